//! Streets as they are drawn: what a network is made from, whether a generator or a map drew them.

use super::components::largest;
use super::{Class, Way};
use crate::plane::Point;
use crate::track::Cover;

/// A street between two junctions.
#[derive(Clone, Debug, PartialEq)]
pub struct Street {
    /// The number of the node at which it starts.
    pub from: u32,
    /// The number of the node at which it ends.
    pub to: u32,
    /// Where it bends between them.
    pub bends: Vec<Point>,
    /// Its class.
    pub class: Class,
    /// How fast one may go; positive.
    pub speed_m_s: f32,
    /// What is above.
    pub cover: Cover,
    /// Whether vehicles may only go from its start to its end.
    pub is_one_way: bool,
    /// Who may use it.
    pub users: Users,
}

/// Who may use a street.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Users {
    /// Cars.
    pub car: bool,
    /// Bicycles.
    pub bicycle: bool,
    /// Walkers.
    pub foot: bool,
}

impl Users {
    /// Everybody.
    pub const ALL: Self = Self { car: true, bicycle: true, foot: true };
    /// Cars alone.
    pub const CARS: Self = Self { car: true, bicycle: false, foot: false };
}

impl Street {
    /// Whether one may go along it that way, forward or backward.
    pub(crate) fn is_for(&self, way: Way, is_forward: bool) -> bool {
        let is_with_traffic = is_forward || !self.is_one_way;
        match way {
            Way::Car { .. } => self.users.car && is_with_traffic,
            Way::Bicycle => self.users.bicycle && is_with_traffic,
            Way::Foot => self.users.foot,
        }
    }

    /// How long it is.
    pub(crate) fn length_m(&self, nodes: &[Point]) -> f64 {
        let node = |node: u32| *nodes.get(node as usize).expect("a street is between nodes of its network");
        let (length_m, last) =
            self.bends.iter().fold((0.0, node(self.from)), |(sum, last), &bend| (sum + last.distance_m(bend), bend));
        length_m + last.distance_m(node(self.to))
    }
}

/// Streets that belong together: by car, by bicycle and on foot, everybody can get from each door to every other one.
#[derive(Clone, Debug, PartialEq)]
pub struct Streets {
    /// Last of all those that are doors: reached by everybody.
    nodes: Vec<Point>,
    streets: Vec<Street>,
    first_door: u32,
}

/// A network with fewer doors is of no use: a village. A choice.
const DOORS_MIN: usize = 100;

impl Streets {
    /// The streets between `nodes` that belong together, without the rest; none when they have fewer than 100 doors.
    pub fn new(nodes: &[Point], streets: Vec<Street>) -> Option<Self> {
        let ways = [Way::Car { habit: 0 }, Way::Bicycle, Way::Foot];
        let [car, bicycle, foot] = ways.map(|way| largest(nodes.len(), &pairs(&streets, way)));
        let by = || car.iter().zip(&bicycle).zip(&foot).map(|((&car, &bicycle), &foot)| [car, bicycle, foot]);
        let is_door = |by: [bool; 3]| by.iter().all(|&is| is);
        let doors = by().filter(|&by| is_door(by)).count();
        if doors < DOORS_MIN {
            return None;
        }
        // Doors come last, so that the last node is on every network, and all have the same number of nodes.
        let passages = by().filter(|&by| by.contains(&true) && !is_door(by)).count();
        let first_door = u32::try_from(passages).expect("fewer nodes than numbers");
        let (mut passage, mut door) = (0, first_door);
        let renumber = |by: [bool; 3]| {
            let next = if is_door(by) { &mut door } else { &mut passage };
            by.contains(&true).then(|| std::mem::replace(next, *next + 1))
        };
        let numbers: Vec<Option<u32>> = by().map(renumber).collect();
        let mut kept: Vec<(u32, Point)> =
            numbers.iter().zip(nodes).filter_map(|(number, &node)| Some(((*number)?, node))).collect();
        kept.sort_by_key(|(number, _)| *number);
        let number = |node: u32| numbers.get(node as usize).copied().flatten();
        let streets = streets.into_iter().filter(|street| street.from != street.to);
        let streets = streets
            .filter_map(|street| Some(Street { from: number(street.from)?, to: number(street.to)?, ..street }))
            .collect();
        Some(Self { nodes: kept.into_iter().map(|(_, node)| node).collect(), streets, first_door })
    }

    /// How many doors there are.
    pub fn door_count(&self) -> usize {
        self.nodes.len() - self.first_door as usize
    }

    /// The nodes, the streets, and the number of the first node that is a door, as all the following ones are.
    pub(super) fn into_parts(self) -> (Vec<Point>, Vec<Street>, u32) {
        (self.nodes, self.streets, self.first_door)
    }
}

/// From where to where one can get directly.
fn pairs(streets: &[Street], way: Way) -> Vec<(u32, u32)> {
    let both = |street: &Street| {
        let there = street.is_for(way, true).then_some((street.from, street.to));
        let back = street.is_for(way, false).then_some((street.to, street.from));
        [there, back]
    };
    streets.iter().flat_map(both).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_not_everybody_can_reach_is_no_door() {
        // A street of 120 nodes; a motorway from its end, both ways; a one-way street out of town; a lonely pair.
        let nodes: Vec<Point> = (0..126).map(|i| Point::new(100.0 * f64::from(i), 0.0)).collect();
        let street = |from, to, users, is_one_way| Street {
            from,
            to,
            bends: Vec::new(),
            class: Class::Side,
            speed_m_s: 10.0,
            cover: Cover::Open,
            is_one_way,
            users,
        };
        let mut streets: Vec<Street> = (0..119).map(|i| street(i, i + 1, Users::ALL, false)).collect();
        streets.push(street(119, 120, Users::CARS, false));
        streets.push(street(0, 121, Users::CARS, true));
        streets.push(street(124, 125, Users::ALL, false));
        let all = Streets::new(&nodes, streets.clone()).unwrap();
        assert_eq!((all.door_count(), all.nodes.len(), all.streets.len()), (120, 121, 120));
        assert_eq!(all.nodes.first(), nodes.get(120), "the motorway's end is no door, so it comes first");
        assert_eq!(Streets::new(&nodes, streets[..90].to_vec()), None, "91 doors are too few");
    }
}
