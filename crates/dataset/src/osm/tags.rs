//! What the tags of a way say about who may go along it, and how fast.
//!
//! The defaults are those of <https://wiki.openstreetmap.org/wiki/OSM_tags_for_routing>, for a country on the European
//! continent; speeds that are signposted come before them.

use rushhour_synth::plane::Point;
use rushhour_synth::roads::{Class, Street, Users};
use rushhour_synth::track::Cover;

/// What kind of road a way is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kind {
    /// Where traffic goes, compared with the order of the nodes.
    pub(super) direction: Direction,
    class: Class,
    speed_m_s: f32,
    cover: Cover,
    users: Users,
}

/// Where traffic goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// In the order of the nodes.
    Forward,
    /// Against it.
    Backward,
    /// Both ways.
    Both,
}

/// The tags that matter.
#[derive(Default)]
struct Tags<'a> {
    highway: &'a str,
    access: &'a str,
    vehicle: &'a str,
    motor: &'a str,
    bicycle: &'a str,
    foot: &'a str,
    one_way: &'a str,
    junction: &'a str,
    speed: &'a str,
    tunnel: &'a str,
    service: &'a str,
    footway: &'a str,
    area: &'a str,
}

impl<'a> Tags<'a> {
    fn new(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut known = Self::default();
        for (key, value) in tags {
            let slot = match key {
                "highway" => &mut known.highway,
                "access" => &mut known.access,
                "vehicle" => &mut known.vehicle,
                "motor_vehicle" | "motorcar" => &mut known.motor,
                "bicycle" => &mut known.bicycle,
                "foot" => &mut known.foot,
                "oneway" => &mut known.one_way,
                "junction" => &mut known.junction,
                "maxspeed" => &mut known.speed,
                "tunnel" => &mut known.tunnel,
                "service" => &mut known.service,
                "footway" => &mut known.footway,
                "area" => &mut known.area,
                _ => continue,
            };
            *slot = value;
        }
        known
    }

    /// Whether it doubles another road, or leads nowhere that people go.
    fn is_beside_the_point(&self) -> bool {
        self.area == "yes"
            || matches!(self.service, "parking_aisle" | "driveway" | "drive-through" | "emergency_access")
            || matches!(self.footway, "sidewalk" | "crossing")
    }

    /// The class of the road, its free speed in km/h, and who uses such roads.
    fn class(&self) -> Option<(Class, f32, Users)> {
        const WALKERS: Users = Users { car: false, bicycle: false, foot: true };
        const CALM: Users = Users { car: false, bicycle: true, foot: true };
        let found = match self.highway {
            "motorway" => (Class::Express, 110.0, Users::CARS),
            "motorway_link" => (Class::Express, 60.0, Users::CARS),
            "trunk" => (Class::Main, 80.0, Users::ALL),
            "trunk_link" => (Class::Main, 50.0, Users::ALL),
            "primary" => (Class::Main, 60.0, Users::ALL),
            "primary_link" | "secondary" | "secondary_link" | "tertiary" | "tertiary_link" => {
                (Class::Main, 50.0, Users::ALL)
            }
            "unclassified" => (Class::Side, 45.0, Users::ALL),
            "residential" | "road" => (Class::Side, 30.0, Users::ALL),
            "service" => (Class::Side, 15.0, Users::ALL),
            "living_street" => (Class::Side, 10.0, Users::ALL),
            "cycleway" | "path" | "track" | "bridleway" => (Class::Path, 15.0, CALM),
            "pedestrian" | "footway" | "steps" => (Class::Path, 5.0, WALKERS),
            _ => return None,
        };
        Some(found)
    }

    /// Who may use it, of those who use such roads.
    fn users(&self, usual: Users) -> Users {
        let is_closed = |access: &str| matches!(access, "no" | "private" | "agricultural" | "forestry" | "delivery");
        let is_open = |access: &str| matches!(access, "yes" | "designated" | "permissive" | "destination");
        // The more special tag wins.
        let may = |usual: bool, tags: &[&str]| {
            let decided = tags.iter().find(|tag| is_closed(tag) || is_open(tag));
            decided.map_or(usual, |tag| is_open(tag))
        };
        Users {
            car: usual.car && may(true, &[self.motor, self.vehicle, self.access]),
            bicycle: may(usual.bicycle && may(true, &[self.vehicle, self.access]), &[self.bicycle]),
            foot: may(usual.foot && may(true, &[self.access]), &[self.foot]),
        }
    }

    fn direction(&self) -> Direction {
        match self.one_way {
            "yes" | "1" | "true" => Direction::Forward,
            "-1" | "reverse" => Direction::Backward,
            "no" => Direction::Both,
            _ if self.junction == "roundabout" || self.highway == "motorway" => Direction::Forward,
            _ => Direction::Both,
        }
    }
}

impl Kind {
    /// What tags say; none when it is no road that anybody may use.
    pub(super) fn new<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let tags = Tags::new(tags);
        let (class, usual_km_h, usual) = tags.class()?;
        let users = tags.users(usual);
        if tags.is_beside_the_point() || !(users.car || users.bicycle || users.foot) {
            return None;
        }
        let speed_m_s = speed_km_h(tags.speed).unwrap_or(usual_km_h) / 3.6;
        let cover = if matches!(tags.tunnel, "" | "no") { Cover::Open } else { Cover::Tunnel };
        Some(Self { direction: tags.direction(), class, speed_m_s, cover, users })
    }

    /// The street of this kind between two nodes.
    pub(super) fn street(self, from: u32, to: u32, bends: Vec<Point>) -> Street {
        let Self { direction, class, speed_m_s, cover, users } = self;
        Street { from, to, bends, class, speed_m_s, cover, is_one_way: direction != Direction::Both, users }
    }
}

/// What a `maxspeed` says, if it is a number that can be.
fn speed_km_h(text: &str) -> Option<f32> {
    const KM_H: std::ops::RangeInclusive<f32> = 5.0..=130.0;
    let km_h = match text.strip_suffix("mph") {
        Some(miles) => miles.trim().parse::<f32>().ok()? * 1.609_344,
        None => text.parse().ok()?,
    };
    KM_H.contains(&km_h).then_some(km_h)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What tags, written as `key=value`, say: class, km/h, who (c, b, f), direction.
    fn check(tags: &str, said: &str) {
        let pairs = tags.split_whitespace().filter_map(|tag| tag.split_once('='));
        let kind = Kind::new(pairs).map_or("none".to_owned(), |kind| {
            let Users { car, bicycle, foot } = kind.users;
            let who: String = [(car, 'c'), (bicycle, 'b'), (foot, 'f')].iter().filter(|w| w.0).map(|w| w.1).collect();
            format!("{:?} {:.0} {who} {:?} {:?}", kind.class, kind.speed_m_s * 3.6, kind.direction, kind.cover)
        });
        assert_eq!(kind, said, "{tags}");
    }

    #[test]
    fn tags_say_who_goes_where_and_how_fast() {
        check("highway=residential", "Side 30 cbf Both Open");
        check("highway=secondary maxspeed=80 oneway=-1 tunnel=yes", "Main 80 cbf Backward Tunnel");
        check("highway=motorway", "Express 110 c Forward Open");
        check("highway=primary maxspeed=30mph junction=roundabout", "Main 48 cbf Forward Open");
        check("highway=tertiary maxspeed=walk bicycle=no", "Main 50 cf Both Open");
        check("highway=residential access=private foot=yes", "Side 30 f Both Open");
        check("highway=track motor_vehicle=agricultural", "Path 15 bf Both Open");
        check("highway=footway bicycle=designated", "Path 5 bf Both Open");
        check("highway=service service=driveway", "none");
        check("highway=construction", "none");
        check("highway=service access=no", "none");
        check("building=yes", "none");
    }
}
