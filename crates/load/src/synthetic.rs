//! People who are made up, and live on for as long as somebody asks what their phones send next.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use rushhour_synth::course::Course;
use rushhour_synth::entries::Writer;
use rushhour_synth::phone::Platform;
use rushhour_synth::sensed::Recording;
use rushhour_synth::travel::Travel;
use rushhour_synth::upload::Request;
use rushhour_synth::world::World;

use crate::population::{LivedDays, Upload};
use crate::schedule::Part;

/// People of a world, and how far their phones are with sending their days.
#[derive(Debug)]
pub(crate) struct Synthetic {
    world: Arc<World>,
    travel: Travel,
    people: Vec<Person>,
    days_before: u32,
    writers: Writers,
}

#[derive(Debug)]
struct Person {
    course: Course,
    token: String,
    days_lived: u32,
    /// What the phone sent on the days lived and nobody has asked for yet.
    waiting: VecDeque<Recording>,
}

/// What writes the uploads of each platform.
#[derive(Debug)]
struct Writers {
    android: Writer,
    ios: Writer,
}

impl Writers {
    fn new(world: &World) -> Self {
        let [android, ios] =
            [Platform::Android, Platform::Ios].map(|platform| Writer::new(platform, &world.region.locales));
        Self { android, ios }
    }

    /// A put of whoever lives `course`.
    fn put(&mut self, course: &Course, token: &str, recording: &Recording) -> Upload {
        let writer = match course.person().handset.platform {
            Platform::Android => &mut self.android,
            Platform::Ios => &mut self.ios,
        };
        let mut body = Vec::new();
        writer.push_put(token, recording, &mut body);
        Upload { entries: recording.count(), body: body.into() }
    }
}

/// A phone that sends nothing for longer is broken; it sends that it has nothing.
const SILENT_DAYS_MAX: u32 = 30;

/// People who go on living from where the uploads before a run end, each in their own time.
#[derive(Debug)]
pub(crate) struct Living {
    pub(crate) world: Arc<World>,
    pub(crate) travel: Travel,
    pub(crate) people: Vec<Alive>,
    writers: Writers,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Alive {
    pub(crate) user: u32,
    pub(crate) course: Course,
    token: String,
}

impl Living {
    /// A put of a person.
    pub(crate) fn upload(&mut self, person: usize, recording: &Recording) -> Upload {
        let person = self.people.get(person).expect("nobody asks for others");
        self.writers.put(&person.course, &person.token, recording)
    }
}

impl Synthetic {
    /// The people of `part` as they are now. Who has not lived through the days before the run lives them first.
    pub(crate) fn living(&self, part: Part) -> Living {
        let mut travel = self.world.travel();
        let users = (0..).zip(&self.people).filter(|(user, _)| part.has(u64::from(*user)));
        let people = users.map(|(user, person)| {
            let mut course = person.course.clone();
            for _ in person.days_lived..self.days_before {
                course.next_day(&self.world, &mut travel);
            }
            Alive { user, course, token: person.token.clone() }
        });
        Living { people: people.collect(), world: Arc::clone(&self.world), travel, writers: Writers::new(&self.world) }
    }

    /// The first day after those that were uploaded before the run.
    pub(crate) fn today(&self) -> Date {
        self.world.study.first_day.saturating_add(i64::from(self.days_before).days())
    }

    pub(crate) fn new(world: Arc<World>, users: NonZeroU32, days_before: u32) -> Self {
        let writers = Writers::new(&world);
        let person = |user| {
            let course = world.course(user);
            Person { token: course.person().token(), course, days_lived: 0, waiting: VecDeque::new() }
        };
        let people = (0..users.get()).map(person).collect();
        Self { travel: world.travel(), people, days_before, writers, world }
    }

    /// So many people of the same world, who have sent nothing.
    pub(crate) fn afresh(&self, users: NonZeroU32) -> Self {
        Self::new(self.world(), users, self.days_before)
    }

    pub(crate) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world)
    }

    pub(crate) fn users(&self) -> u32 {
        u32::try_from(self.people.len()).expect("there is one for each of a u32")
    }

    pub(crate) fn token(&self, user: u32) -> String {
        self.people.get(user as usize).expect("nobody asks for others").token.clone()
    }

    pub(crate) fn days_before(&self) -> u32 {
        self.days_before
    }

    pub(crate) fn read_days(&self, draw: u32) -> LivedDays {
        let day = draw % self.days_before.max(1);
        LivedDays { first: self.world.study.first_day.saturating_add(i64::from(day).days()), count: 1 }
    }

    pub(crate) fn next_upload_of_day(&mut self, user: u32, day: u32) -> Option<Upload> {
        if self.person(user).days_lived <= day {
            self.live(user);
        }
        let recording = self.person(user).waiting.pop_front()?;
        Some(self.upload(user, &recording))
    }

    /// Lives a day of a person whose uploads were made before.
    pub(crate) fn skip_day(&mut self, user: u32) {
        self.live(user);
        self.person(user).waiting.clear();
    }

    pub(crate) fn next_upload(&mut self, user: u32) -> Upload {
        for _ in 0..SILENT_DAYS_MAX {
            if let Some(recording) = self.person(user).waiting.pop_front() {
                return self.upload(user, &recording);
            }
            self.live(user);
        }
        self.upload(user, &Recording::default())
    }

    fn person(&mut self, user: u32) -> &mut Person {
        self.people.get_mut(user as usize).expect("the schedule only names people of the scenario")
    }

    /// Lives a day of a person, and keeps what the phone sent.
    fn live(&mut self, user: u32) {
        let person = self.people.get_mut(user as usize).expect("the schedule only names people of the scenario");
        person.days_lived += 1;
        let day = person.course.next_day(&self.world, &mut self.travel);
        let requests = day.into_iter().flat_map(|day| day.calls).map(|call| call.request);
        person.waiting.extend(requests.filter_map(|request| match request {
            Request::Put { recording, .. } => Some(recording),
            Request::Get => None,
        }));
    }

    fn upload(&mut self, user: u32, recording: &Recording) -> Upload {
        let person = self.people.get(user as usize).expect("the schedule only names people of the scenario");
        self.writers.put(&person.course, &person.token, recording)
    }
}
