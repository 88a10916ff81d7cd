//! Streets from an OpenStreetMap extract (`.osm.pbf`).
//!
//! The file is read twice: for its roads, and then for where their nodes are. So an extract may be as large as a country;
//! its roads are held in memory, the rest is not. What is made from such streets must carry [`ATTRIBUTION`].

mod tags;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use osmpbf::{BlobDecode, BlobReader, Element};
use rushhour_synth::plane::{Locale, Point};
use rushhour_synth::region::RegionParameters;
use rushhour_synth::roads::{Street, Streets};
use tags::{Direction, Kind};

/// What whoever uses the map's data has to say.
pub const ATTRIBUTION: &str = "© OpenStreetMap contributors (ODbL 1.0)";

/// Why there are no streets.
#[derive(Debug, thiserror::Error)]
pub enum OsmError {
    /// The file cannot be opened.
    #[error("cannot open the map {}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file ends too early, or is something else.
    #[error("the map {} cannot be read from byte {byte} on: it is truncated, or no .osm.pbf file", path.display())]
    Broken {
        /// Which.
        path: PathBuf,
        /// Where what is before it was read.
        byte: u64,
        /// Why.
        source: osmpbf::Error,
    },
    /// Nothing to go on.
    #[error("the map {} has no roads within {} km of {latitude}, {longitude}{}", path.display(), radius_m / 1_000.0, elsewhere(.roads_at))]
    NoRoads {
        /// Which.
        path: PathBuf,
        /// Of the centre of the region.
        latitude: f64,
        /// Of the centre of the region.
        longitude: f64,
        /// Of the region.
        radius_m: f64,
        /// Latitude and longitude of some of its roads; none when it has none at all.
        roads_at: Option<(f64, f64)>,
    },
    /// Roads that do not join up.
    #[error(
        "the {roads} roads of the map {} do not belong together: fewer than 100 of their junctions can be reached from one \
         another by car, by bicycle and on foot",
        path.display()
    )]
    NotConnected {
        /// Which.
        path: PathBuf,
        /// How many it has within the region.
        roads: usize,
    },
}

/// A road as it is mapped: its class, and the ids of its nodes in order.
struct Road {
    kind: Kind,
    nodes: Vec<i64>,
}

/// The streets of the map at `path` that are within the region and belong together.
pub fn read(path: &Path, region: &RegionParameters) -> Result<Streets, OsmError> {
    let roads = read_roads(path)?;
    let nodes = read_nodes(path, &roads)?;
    let map = Map::new(region, &roads, &nodes);
    let streets = map.streets(&roads);
    if streets.is_empty() {
        let &Locale { latitude, longitude, .. } = region.home();
        let (path, radius_m) = (path.to_owned(), region.radius_m());
        let roads_at = nodes.first().map(|node| node.degrees);
        return Err(OsmError::NoRoads { path, latitude, longitude, radius_m, roads_at });
    }
    let count = streets.len();
    Streets::new(&map.points, streets).ok_or_else(|| OsmError::NotConnected { path: path.to_owned(), roads: count })
}

fn elsewhere(roads_at: &Option<(f64, f64)>) -> String {
    roads_at
        .map_or_else(String::new, |(latitude, longitude)| format!("; it has some near {latitude:.3}, {longitude:.3}"))
}

fn read_roads(path: &Path) -> Result<Vec<Road>, OsmError> {
    let mut roads = Vec::new();
    for_each(path, |element| {
        if let Element::Way(way) = element
            && let Some(kind) = Kind::new(way.tags())
        {
            let mut nodes: Vec<i64> = way.refs().collect();
            if kind.direction == Direction::Backward {
                nodes.reverse();
            }
            roads.push(Road { kind, nodes });
        }
    })?;
    Ok(roads)
}

/// A node of a road.
struct Node {
    id: i64,
    /// Latitude and longitude.
    degrees: (f64, f64),
}

/// The nodes of the roads, by id.
fn read_nodes(path: &Path, roads: &[Road]) -> Result<Vec<Node>, OsmError> {
    let mut ids: Vec<i64> = roads.iter().flat_map(|road| &road.nodes).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut nodes = Vec::with_capacity(ids.len());
    let mut add = |id, degrees| {
        if ids.binary_search(&id).is_ok() {
            nodes.push(Node { id, degrees });
        }
    };
    for_each(path, |element| match element {
        Element::Node(node) => add(node.id(), (node.lat(), node.lon())),
        Element::DenseNode(node) => add(node.id(), (node.lat(), node.lon())),
        Element::Way(_) | Element::Relation(_) => {}
    })?;
    nodes.sort_by_key(|node| node.id);
    nodes.dedup_by_key(|node| node.id);
    Ok(nodes)
}

/// Goes through the elements of a map.
fn for_each(path: &Path, mut see: impl FnMut(Element<'_>)) -> Result<(), OsmError> {
    // Opened here, so that a missing file is told from a broken one.
    File::open(path).map_err(|source| OsmError::Open { path: path.to_owned(), source })?;
    let mut byte = 0;
    let broken = |byte, source| OsmError::Broken { path: path.to_owned(), byte, source };
    for blob in BlobReader::from_path(path).map_err(|source| broken(0, source))? {
        let blob = blob.map_err(|source| broken(byte, source))?;
        byte = blob.offset().map_or(byte, |offset| offset.0);
        if let BlobDecode::OsmData(block) = blob.decode().map_err(|source| broken(byte, source))? {
            block.for_each_element(&mut see);
        }
    }
    Ok(())
}

/// The nodes within a region.
struct Map {
    /// Their ids, in order.
    ids: Vec<i64>,
    /// Where they are.
    points: Vec<Point>,
    /// Which of them are ends of streets: of roads, or shared by two.
    is_junction: Vec<bool>,
}

impl Map {
    fn new(region: &RegionParameters, roads: &[Road], nodes: &[Node]) -> Self {
        let place = |node: &Node| (node.id, region.home().point(node.degrees.0, node.degrees.1));
        let within = nodes.iter().map(place).filter(|(_, point)| region.is_within(*point));
        let (ids, points): (Vec<i64>, Vec<Point>) = within.unzip();
        let is_junction = vec![false; ids.len()];
        let mut map = Self { ids, points, is_junction };
        let mut is_seen = vec![false; map.ids.len()];
        for stretch in roads.iter().flat_map(|road| map.within(road)).collect::<Vec<_>>() {
            let last = stretch.len() - 1;
            for (i, node) in stretch.into_iter().enumerate() {
                let [seen, junction] = [&mut is_seen, &mut map.is_junction].map(|flags| flags.get_mut(node));
                if let (Some(seen), Some(junction)) = (seen, junction) {
                    *junction |= *seen || i == 0 || i == last;
                    *seen = true;
                }
            }
        }
        map
    }

    /// The parts of a road that are within the region, as numbers of nodes; each has two nodes or more.
    fn within(&self, road: &Road) -> Vec<Vec<usize>> {
        let numbers: Vec<Option<usize>> = road.nodes.iter().map(|id| self.ids.binary_search(id).ok()).collect();
        let parts = numbers.split(Option::is_none).map(|part| part.iter().copied().flatten().collect::<Vec<_>>());
        parts.filter(|part| part.len() > 1).collect()
    }

    /// The streets from junction to junction.
    fn streets(&self, roads: &[Road]) -> Vec<Street> {
        let mut streets = Vec::new();
        for road in roads {
            for part in self.within(road) {
                let mut from = part.first().copied();
                let mut bends = Vec::new();
                for &node in part.iter().skip(1) {
                    let is_junction = self.is_junction.get(node).copied().unwrap_or(true);
                    match from {
                        Some(start) if is_junction => {
                            streets.push(road.kind.street(number(start), number(node), std::mem::take(&mut bends)));
                            from = Some(node);
                        }
                        _ => bends.extend(self.points.get(node).copied()),
                    }
                }
            }
        }
        streets
    }
}

fn number(node: usize) -> u32 {
    u32::try_from(node).expect("fewer nodes in a region than numbers")
}

#[cfg(test)]
mod tests;
