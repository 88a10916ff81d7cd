//! The road network, and ways through it.
//!
//! Ways are found with contraction hierarchies: one for each way of moving, and for cars one for each taste. They are
//! prepared once, and are the same whenever they are prepared from the same streets.

mod components;
mod graphs;
mod grid;
mod hierarchy;
mod rows;
mod streets;

use rand::RngExt;

use crate::draws::Draws;
use crate::plane::Point;
use crate::track::Cover;
use graphs::Graphs;
pub(crate) use grid::Grid;
use hierarchy::Search;
use rows::Rows;
pub use streets::{Street, Streets, Users};

/// How many tastes in ways there are: each has weights of its own.
pub const HABITS: u8 = 4;

/// What one goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// By car, with a taste below [`HABITS`].
    Car {
        /// The taste.
        habit: u8,
    },
    /// On two wheels.
    Bicycle,
    /// On foot.
    Foot,
}

/// The class of a street.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Houses along it.
    Side,
    /// Through the town.
    Main,
    /// Without crossings.
    Express,
    /// For feet and bicycles.
    Path,
}

/// What one meets at the end of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Nothing.
    None,
    /// Two side streets.
    SideSide,
    /// A side street and a main street.
    SideMain,
    /// Two main streets.
    MainMain,
    /// On to or off an expressway.
    Ramp,
}

/// A point of a way, and the stretch that leads to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vertex {
    /// Where.
    pub at: Point,
    /// The free speed of the stretch.
    pub speed_m_s: f32,
    /// The class of the stretch.
    pub class: Class,
    /// What is at its end.
    pub crossing: Crossing,
    /// What is above.
    pub cover: Cover,
}

/// A way: each stretch from its first node, which is not in it, to its last.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// In order.
    pub vertices: Vec<Vertex>,
    /// Where its first node is, and what is there.
    start: (Point, Crossing),
    /// Whether it may be gone the other way round.
    pub(crate) is_two_way: bool,
}

/// A road network.
#[derive(Debug)]
pub struct Roads {
    nodes: Vec<Point>,
    crossings: Vec<Crossing>,
    streets: Vec<Street>,
    /// The ways out of each node.
    arcs: Rows<Arc>,
    graphs: Graphs,
    /// The first node that everybody can get to and from; so can they all the following ones.
    first_door: u32,
    doors: Grid,
}

/// A way out of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arc {
    /// Where it leads.
    pub(crate) to: u32,
    /// Along which street.
    pub(crate) street: u32,
    /// Whether the street was drawn in this direction.
    pub(crate) is_forward: bool,
}

/// What ways are found with. Each thread has one of its own.
#[derive(Debug)]
pub struct Router {
    search: Search,
}

/// Doors are looked up in cells of this size: a few of them are in a cell.
const DOOR_CELL_M: f64 = 400.0;

impl Roads {
    /// The network of `streets`; `rng` gives the tastes.
    pub fn new(streets: Streets, rng: &mut Draws) -> Self {
        let (nodes, streets, first_door) = streets.into_parts();
        let arcs = arcs(nodes.len(), &streets);
        let crossings = crossings(nodes.len(), &streets);
        let graphs = Graphs::prepare(&nodes, &streets, &crossings, rng);
        let doors = Grid::new(nodes.get(first_door as usize..).expect("doors are nodes"), DOOR_CELL_M);
        Self { nodes, crossings, streets, arcs, graphs, first_door, doors }
    }

    /// Finds ways.
    pub fn router(&self) -> Router {
        Router { search: Search::new(self.nodes.len()) }
    }

    /// The node nearest to a position of those that everybody can get to and from.
    pub fn nearest(&self, at: Point) -> u32 {
        self.first_door + self.doors.nearest(at)
    }

    /// Where a node is.
    pub fn position(&self, node: u32) -> Point {
        *self.nodes.get(node as usize).expect("a node is one of its network's")
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes that everybody can get to and from, by car, by bicycle and on foot.
    pub fn doors(&self) -> impl ExactSizeIterator<Item = u32> + use<> {
        self.first_door..u32::try_from(self.nodes.len()).expect("fewer nodes than numbers")
    }

    /// Whether everybody can get to and from a node.
    pub(crate) fn is_door(&self, node: u32) -> bool {
        node >= self.first_door
    }

    /// How many doors are in the square of that half side around a position.
    pub(crate) fn doors_around(&self, at: Point, half_side_m: f64) -> usize {
        self.doors.around(at, half_side_m).count()
    }

    /// Each straight stretch of each street, with its class: for maps.
    pub fn stretches(&self) -> impl Iterator<Item = (Class, Point, Point)> + '_ {
        self.streets.iter().flat_map(|street| {
            let starts = [self.position(street.from)].into_iter().chain(street.bends.iter().copied());
            let ends = street.bends.iter().copied().chain([self.position(street.to)]);
            starts.zip(ends).map(|(start, end)| (street.class, start, end))
        })
    }

    /// The ways out of a node.
    pub(crate) fn arcs(&self, node: u32) -> &[Arc] {
        self.arcs.row(node)
    }

    /// The street of a way out.
    pub(crate) fn street(&self, arc: Arc) -> &Street {
        self.streets.get(arc.street as usize).expect("an arc is along a street of its network")
    }

    /// Where one goes along an arc: its bends, and the node at its end.
    pub(crate) fn points(&self, arc: Arc) -> impl Iterator<Item = Point> + '_ {
        let bends = &self.street(arc).bends;
        let (forward, backward) =
            if arc.is_forward { (bends.as_slice(), &[][..]) } else { (&[][..], bends.as_slice()) };
        forward.iter().chain(backward.iter().rev()).copied().chain([self.position(arc.to)])
    }

    /// The door of a house near a node: along one of its streets, to one side.
    pub(crate) fn door(&self, node: u32, rng: &mut Draws) -> Point {
        /// Nobody lives further from a junction, nor more than so far from the middle of the street: choices.
        const ALONG_MAX_M: f64 = 38.0;
        const ASIDE_M: std::ops::Range<f64> = 5.0..13.0;
        let corner = self.position(node);
        let arcs = || self.arcs(node).iter().filter(|arc| self.street(**arc).users.foot);
        let Some(&arc) = arcs().nth(rng.random_range(0..arcs().count().max(1))) else { return corner };
        let next = self.points(arc).next().expect("an arc leads somewhere");
        let length_m = corner.distance_m(next);
        let along_m = rng.random_range(0.0..1.0) * ALONG_MAX_M.min(0.45 * length_m);
        let aside_m = rng.random_range(ASIDE_M) * if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        let (east, north) = ((next.x_m - corner.x_m) / length_m, (next.y_m - corner.y_m) / length_m);
        Point::new(corner.x_m + along_m * east - aside_m * north, corner.y_m + along_m * north + aside_m * east)
    }

    fn crossing(&self, node: u32) -> Crossing {
        self.crossings.get(node as usize).copied().unwrap_or(Crossing::None)
    }

    /// The quickest of the arcs from a node to the next one.
    fn arc(&self, way: Way, from: u32, to: u32) -> Option<Arc> {
        let arcs = self.arcs(from).iter().filter(|arc| arc.to == to && self.street(**arc).is_for(way, arc.is_forward));
        arcs.copied().min_by_key(|arc| self.graphs.weight(way, arc.street))
    }
}

impl Router {
    /// The way between two nodes of `roads`, which it was made for, if there is one.
    pub fn route(&mut self, roads: &Roads, way: Way, from: u32, to: u32) -> Option<Route> {
        let path = self.search.path(roads.graphs.hierarchy(way), from, to)?;
        let mut vertices = Vec::with_capacity(path.len());
        let mut is_two_way = true;
        let mut here = from;
        for next in path {
            let arc = roads.arc(way, here, next).expect("a path goes along streets");
            let street = roads.street(arc);
            let &Street { speed_m_s, class, cover, .. } = street;
            is_two_way &= street.is_for(way, !arc.is_forward);
            let vertex = |at| Vertex { at, speed_m_s, class, crossing: Crossing::None, cover };
            vertices.extend(roads.points(arc).map(vertex));
            if let Some(last) = vertices.last_mut() {
                last.crossing = roads.crossing(next);
            }
            here = next;
        }
        Some(Route { vertices, start: (roads.position(from), roads.crossing(from)), is_two_way })
    }
}

impl Route {
    /// The same way from its end to its start.
    pub(crate) fn reversed(&self) -> Self {
        let mut backward = self.vertices.iter().rev().map(|vertex| (vertex.at, vertex.crossing)).chain([self.start]);
        let start = backward.next().expect("there is a start");
        let stretches = self.vertices.iter().rev().zip(backward);
        let vertices = stretches.map(|(stretch, (at, crossing))| Vertex { at, crossing, ..*stretch }).collect();
        Self { vertices, start, is_two_way: self.is_two_way }
    }
}

/// The ways out of each node: both ways along each street, even where only walkers may go against the traffic.
fn arcs(nodes: usize, streets: &[Street]) -> Rows<Arc> {
    let both = (0..).zip(streets).flat_map(|(street, &Street { from, to, .. })| {
        [(from, Arc { to, street, is_forward: true }), (to, Arc { to: from, street, is_forward: false })]
    });
    Rows::new(nodes, both.collect())
}

/// What one meets at each node, from the classes of the streets that meet there.
fn crossings(nodes: usize, streets: &[Street]) -> Vec<Crossing> {
    let ends = streets.iter().flat_map(|street| [(street.from, street.class), (street.to, street.class)]);
    let classes = Rows::new(nodes, ends.collect());
    let crossing = |node| {
        let classes = classes.row(node);
        let count = |class| classes.iter().filter(|&&other| other == class).count();
        match (classes.len() - count(Class::Path), count(Class::Express), count(Class::Main)) {
            (..=2, ..) => Crossing::None,
            (_, 1.., _) => Crossing::Ramp,
            (_, _, 3..) => Crossing::MainMain,
            (_, _, 1..) => Crossing::SideMain,
            _ => Crossing::SideSide,
        }
    };
    (0..u32::try_from(nodes).expect("fewer nodes than numbers")).map(crossing).collect()
}
