//! The keys of documents.

/// A place before cleaning.
pub const RAW_PLACE: &str = "segmentation/raw_place";
/// A trip before cleaning.
pub const RAW_TRIP: &str = "segmentation/raw_trip";
/// Untracked time before cleaning.
pub const RAW_UNTRACKED: &str = "segmentation/raw_untracked";
/// A section before cleaning.
pub const RAW_SECTION: &str = "segmentation/raw_section";
/// A stop before cleaning.
pub const RAW_STOP: &str = "segmentation/raw_stop";
/// Which fixes of a section are jumps.
pub const SMOOTHING: &str = "analysis/smoothing";
/// A point every 30 s.
pub const RECREATED_LOCATION: &str = "analysis/recreated_location";
/// A section after cleaning.
pub const CLEANED_SECTION: &str = "analysis/cleaned_section";
/// A stop after cleaning.
pub const CLEANED_STOP: &str = "analysis/cleaned_stop";
/// A place after cleaning.
pub const CLEANED_PLACE: &str = "analysis/cleaned_place";
/// A trip after cleaning.
pub const CLEANED_TRIP: &str = "analysis/cleaned_trip";
/// Untracked time after cleaning.
pub const CLEANED_UNTRACKED: &str = "analysis/cleaned_untracked";
/// Which modes a section may have.
pub const PREDICTION: &str = "inference/prediction";
/// A section with its inferred mode.
pub const INFERRED_SECTION: &str = "analysis/inferred_section";
/// Which labels a trip may have, by algorithm.
pub const LABELS: &str = "inference/labels";
/// Which labels a trip may have.
pub const INFERRED_LABELS: &str = "analysis/inferred_labels";
/// A trip with these labels.
pub const INFERRED_TRIP: &str = "analysis/inferred_trip";
/// A trip with what is expected of its person.
pub const EXPECTED_TRIP: &str = "analysis/expected_trip";
/// A place with what was said about it.
pub const CONFIRMED_PLACE: &str = "analysis/confirmed_place";
/// A trip with what was said about it.
pub const CONFIRMED_TRIP: &str = "analysis/confirmed_trip";
/// Untracked time with what was said about it.
pub const CONFIRMED_UNTRACKED: &str = "analysis/confirmed_untracked";
/// A trip with all that a diary shows of it.
pub const COMPOSITE_TRIP: &str = "analysis/composite_trip";

/// All of them.
pub const ALL: [&str; 22] = [
    RAW_TRIP,
    RAW_PLACE,
    RAW_UNTRACKED,
    RAW_SECTION,
    RAW_STOP,
    SMOOTHING,
    RECREATED_LOCATION,
    CLEANED_SECTION,
    CLEANED_STOP,
    CLEANED_PLACE,
    CLEANED_TRIP,
    CLEANED_UNTRACKED,
    PREDICTION,
    INFERRED_SECTION,
    LABELS,
    INFERRED_LABELS,
    INFERRED_TRIP,
    EXPECTED_TRIP,
    CONFIRMED_PLACE,
    CONFIRMED_TRIP,
    CONFIRMED_UNTRACKED,
    COMPOSITE_TRIP,
];
