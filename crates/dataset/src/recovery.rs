//! How much of their lives our pipeline recovers from what people's phones sent: row 12.

use std::ops::Range;

use rushhour_model::entry::Entry;
use rushhour_model::ids::UserId;
use rushhour_synth::entries::{Writer, items};
use rushhour_synth::phone::Platform;
use rushhour_synth::world::World;

use crate::in_order::in_order;
use crate::score::{Figures, FoundTrip, Score, Summary, UserTruth, find};
use crate::statistics::row::{Row, Target};
use crate::validate::answered;

/// So many days of people with each platform are recovered, as far as there are people.
const USER_DAYS: u32 = 500;

/// What is recovered of the first people of `users` with each platform.
pub fn recover(world: &World, users: Range<u32>, threads: usize) -> Summary {
    let wanted = USER_DAYS.div_ceil(world.study.days.max(1)) as usize;
    let with = |platform: Platform| {
        let people = users.clone().filter(move |&user| world.person(user).handset.platform == platform);
        people.take(wanted)
    };
    let chosen: Vec<u32> = with(Platform::Android).chain(with(Platform::Ios)).collect();
    let mut score = Score::new();
    let count = u32::try_from(chosen.len()).expect("people are counted so");
    let one = |index: u32| one(world, *chosen.get(index as usize).expect("people are counted from 0"));
    in_order(0..count, threads, one, |(truth, found)| {
        score.add_user(&truth, &found);
    });
    score.summary()
}

/// The truth about a person, and what our pipeline finds in what their phone sent.
fn one(world: &World, user: u32) -> (UserTruth, Vec<FoundTrip>) {
    let locales = &world.region.locales;
    let mut life = world.life(user);
    let platform = life.person().handset.platform;
    let mut writer = Writer::new(platform, locales);
    let (mut trips, mut events, mut entries, mut text) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for day in &mut life {
        for item in answered(&day).flat_map(|recording| items(recording, platform)) {
            text.clear();
            writer.push_entry(&item, &mut text);
            entries.push(serde_json::from_slice::<Entry>(&text).expect("a phone's text is an entry"));
        }
        trips.extend(day.trips);
        events.extend(day.events);
    }
    let truth = UserTruth::of(life.person(), locales, life.places(), &trips, &events);
    (truth, find(UserId(life.person().id), entries))
}

/// Recall, precision and mode, of all and of each platform.
pub fn rows(summary: &Summary) -> Vec<Row> {
    let platforms = summary.by_platform.iter().map(|(platform, figures)| (platform.name(), figures));
    platforms.flat_map(|(name, figures)| of_platform(name, figures)).collect()
}

fn of_platform(name: &str, figures: &Figures) -> [Row; 3] {
    let row =
        |what: &str, low, value: Option<f64>| Row::new(12, format!("{name} {what}"), Target::AtLeast { low }, value);
    [
        row("trips recalled", 0.95, figures.recall),
        row("trips found that are right", 0.95, figures.precision),
        row("time in the right mode", 0.90, figures.mode),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::tests::TOWN;

    #[test]
    fn people_of_both_platforms_are_recovered() {
        let summary = recover(&TOWN, 0..5, 2);
        assert_eq!(summary.by_platform.len(), 2);
        assert!(summary.overall.recalled > 10, "{:?}", summary.overall);
        assert_eq!(rows(&summary).len(), 6);
    }
}
