//! What people enter, and what the app is told: labels, surveys and configurations, as phones send them.

use serde_json::{Number, Value};

use crate::record::record;

record! {
    /// A label that a person gave to a trip: its mode, its purpose, or the mode it replaced.
    pub struct Label {
        /// When the labelled trip starts, in seconds since 1970.
        start_ts: Number,
        /// When it ends, in seconds since 1970.
        end_ts: Number,
        /// The label.
        label: String,
    }

    /// An answered survey about a trip or a place.
    pub struct Survey {
        /// When what it is about starts, in seconds since 1970.
        start_ts: Number,
        /// When that ends, in seconds since 1970.
        end_ts: Number,
        /// Which survey.
        name: Option<String>,
        /// Which version of it.
        version: Option<Number>,
        /// What is shown for the answer.
        label: Option<String>,
        /// The same for all versions of one addition, 36 characters.
        match_id: Option<String>,
        /// The entry's own key.
        key: Option<String>,
        /// The answers as an XForm.
        xml_response = "xmlResponse": Option<String>,
        /// The answers as an object.
        json_doc_response = "jsonDocResponse": Option<Value>,
        /// `ACTIVE` or `DELETED`; a deletion is a new entry with the same `match_id`.
        status: Option<String>,
    }

    /// An answered survey about the person.
    pub struct Demographics {
        /// When it was answered, in seconds since 1970.
        ts: Number,
        /// The same as text.
        fmt_time: Option<String>,
        /// Which survey.
        name: Option<String>,
        /// Which version of it.
        version: Option<Number>,
        /// What is shown for the answer.
        label: Option<String>,
        /// The answers as an XForm.
        xml_response = "xmlResponse": Option<String>,
        /// The answers as an object.
        json_doc_response = "jsonDocResponse": Option<Value>,
    }

    /// How the phone senses.
    pub struct SensorConfig {
        /// Whether sensing stops between trips.
        is_duty_cycling: bool,
        /// Android's priority (100 for high accuracy); iOS's metres, `-1` or `100`.
        accuracy: Option<Number>,
        /// Metres; worse fixes are not copied to `background/filtered_location`.
        accuracy_threshold: Option<Number>,
        /// Metres between fixes; `-1` on Android.
        filter_distance: Option<Number>,
        /// Milliseconds between fixes; `-1` on iOS.
        filter_time: Option<Number>,
        /// Metres.
        geofence_radius: Option<Number>,
        /// Minutes without movement that end a trip.
        trip_end_stationary_mins: Option<Number>,
        /// Milliseconds; `-1` on iOS.
        android_geofence_responsiveness: Option<Number>,
        /// Whether visits start and end trips.
        ios_use_visit_notifications_for_detection: Option<bool>,
        /// Whether a silent push starts a sync.
        ios_use_remote_push_for_sync: Option<bool>,
        /// For tests.
        simulate_user_interaction: Option<bool>,
        /// Whether trips start at a beacon.
        is_fleet: Option<bool>,
    }

    /// How the phone syncs.
    pub struct SyncConfig {
        /// Seconds between syncs.
        sync_interval: Number,
        /// Whether a silent push starts a sync.
        ios_use_remote_push: Option<bool>,
        /// The address of the phone's pushes.
        ios_device_token: Option<String>,
    }

    /// What the person agreed to.
    pub struct Consent {
        /// Such as `emSensorDataCollectionProtocol`.
        category: String,
        /// Which protocol.
        protocol_id: String,
        /// `YYYY-MM-DD`.
        approval_date: String,
    }

    /// The deployment's whole configuration; what it holds beside the time is in `extra`.
    pub struct AppUiConfig {
        /// When it was stored, in seconds since 1970.
        ts: Number,
    }
}
