//! People who are made up, and what their phones send: bodies of `usercache/put`, in order of time.

use rushhour_synth::entries::Writer;
use rushhour_synth::phone::Platform;
use rushhour_synth::region::{Region, RegionFile, RegionParameters};
use rushhour_synth::upload::Request;
use rushhour_synth::world::{Study, World};

/// Somebody's phone.
pub(crate) struct Person {
    pub(crate) token: String,
    pub(crate) puts: Vec<Vec<u8>>,
}

/// What `count` people send in `days` days from 2026-01-05 on, in a town that is quickly made.
pub(crate) fn people(count: u32, days: u32) -> Vec<Person> {
    let mut town = RegionFile::from(RegionParameters::default());
    town.radius_m = 6_000.0;
    let region = Region::synthetic(&town.try_into().unwrap(), 1);
    let study = Study { seed: 1, first_day: jiff::civil::date(2026, 1, 5), days };
    let world = World { region, parameters: Default::default(), study };
    let [mut android, mut ios] = [Platform::Android, Platform::Ios].map(|it| Writer::new(it, &world.region.locales));
    let person = |user| {
        let (life, token) = (world.life(user), world.person(user).token());
        let writer = match life.person().handset.platform {
            Platform::Android => &mut android,
            Platform::Ios => &mut ios,
        };
        let mut puts = Vec::new();
        for call in life.flat_map(|day| day.calls) {
            if let Request::Put { recording, .. } = call.request {
                let mut body = Vec::new();
                writer.push_put(&token, &recording, &mut body);
                puts.push(body);
            }
        }
        Person { token, puts }
    };
    (0..count).map(person).collect()
}
