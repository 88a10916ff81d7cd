//! What our own pipeline finds.

use rushhour_model::entry::Entry;
use rushhour_model::ids::{UserId, entry_id};
use rushhour_pipeline::chapter::{Chapter, Opening};
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::leg::{Cleaned, Leg, Section};
use rushhour_pipeline::moment;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};

use super::found::{Class, FoundSection, FoundTrip, Spot};

/// The trips that our pipeline finds in a person's entries, in phone form and in any order.
pub fn find(user: UserId, entries: impl IntoIterator<Item = Entry>) -> Vec<FoundTrip> {
    let mut observations = Observations::default();
    for entry in entries {
        let id = entry_id(user, &entry.metadata.kind, &entry.metadata.key, entry.metadata.write_s());
        observations.push(id, entry);
    }
    find_in(user, observations, &Stops::default())
}

/// The trips that our pipeline finds in what a person's phone observed.
pub fn find_in(user: UserId, observations: Observations, stops: &Stops) -> Vec<FoundTrip> {
    let settings = Settings { user, stops, model: &Model::default() };
    let chapters = write(observations, Vec::new(), Opening::first(), &settings);
    let legs = chapters.iter().flat_map(|chapter: &Chapter| &chapter.legs);
    legs.filter(|leg| leg.is_tracked).filter_map(|leg: &Leg| leg.cleaned.as_ref()).map(found_trip).collect()
}

fn found_trip(cleaned: &Cleaned) -> FoundTrip {
    FoundTrip {
        start: spot(&cleaned.start),
        end: spot(&cleaned.end),
        distance_m: cleaned.distance_m,
        sections: cleaned.sections.iter().map(found_section).collect(),
    }
}

fn found_section(section: &Section) -> FoundSection {
    FoundSection {
        class: Class::named(section.mode.name()),
        start_ts: section.start.ts(),
        end_ts: section.end.ts(),
        distance_m: section.distance_m,
    }
}

fn spot(spot: &moment::Spot) -> Spot {
    Spot { ts: spot.ts(), at: spot.at }
}
