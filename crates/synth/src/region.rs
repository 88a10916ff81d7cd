//! Where people live: streets, lines, and places by purpose, around a centre.

use crate::plane::Locale;

/// A region.
#[derive(Debug)]
pub struct Region {
    /// Its name, such as `berlin`.
    pub name: String,
    /// Where its plane touches the earth, and the other cities that its people fly to; 0 is home.
    pub locales: Vec<Locale>,
}
