//! Who a person is: everything about them that does not change from day to day.

use uuid::Uuid;

use crate::phone::Platform;
use crate::plane::Point;

/// A person.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Which one, counted from 0.
    pub user: u32,
    /// What the server calls them.
    pub id: Uuid,
    /// Where they live.
    pub home: Point,
    /// What they carry.
    pub platform: Platform,
    /// The name of the handset's profile, such as `android-2023`.
    pub profile: &'static str,
}

impl Person {
    /// What they tell the server that they are called.
    pub fn token(&self) -> String {
        format!("synth-{:07}", self.user)
    }
}
