//! Streets from extracts that are whole, cut off, or hold none.

use std::io::Write as _;

use rushhour_synth::region::{Region, RegionFile};
use tempfile::NamedTempFile;

use super::*;

/// A message in the wire form of protocol buffers: just as much as a map needs.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(u8::try_from(value).unwrap());
    }

    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn signed(self, field: u64, value: i64) -> Self {
        self.number(field, ((value << 1) ^ (value >> 63)) as u64)
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn packed(self, field: u64, values: impl Iterator<Item = u64>) -> Self {
        let mut list = Self::default();
        values.for_each(|value| list.varint(value));
        self.bytes(field, &list.0)
    }
}

fn blob(kind: &str, content: &[u8]) -> Vec<u8> {
    let blob = Message::default().bytes(1, content).0;
    let header = Message::default().bytes(1, kind.as_bytes()).number(3, blob.len() as u64).0;
    [&u32::try_from(header.len()).unwrap().to_be_bytes()[..], &header, &blob].concat()
}

/// A map with nodes 100 m apart on a line to the east of (47, 9.5), and ways through them, each with its tags.
fn map(nodes: i64, ways: &[(std::ops::Range<i64>, &str)]) -> Vec<u8> {
    let mut strings = vec![String::new()];
    let mut group = Message::default();
    for id in 0..nodes {
        let node = Message::default().signed(1, id).signed(8, 470_000_000).signed(9, 95_000_000 + id * 13_186);
        group = group.bytes(1, &node.0);
    }
    for (id, (refs, tags)) in ways.iter().enumerate() {
        let mut place = |text: &str| {
            strings.push(text.to_owned());
            strings.len() as u64 - 1
        };
        let (keys, values): (Vec<u64>, Vec<u64>) = tags
            .split(' ')
            .filter_map(|tag| tag.split_once('='))
            .map(|(key, value)| (place(key), place(value)))
            .unzip();
        let deltas = [refs.start].into_iter().chain(refs.clone().skip(1).map(|_| 1)).map(|delta| (delta << 1) as u64);
        let way = Message::default()
            .number(1, id as u64)
            .packed(2, keys.into_iter())
            .packed(3, values.into_iter())
            .packed(8, deltas);
        group = group.bytes(3, &way.0);
    }
    let table = strings.iter().fold(Message::default(), |table, text| table.bytes(1, text.as_bytes()));
    let block = Message::default().bytes(1, &table.0).bytes(2, &group.0);
    [blob("OSMHeader", &[]), blob("OSMData", &block.0)].concat()
}

fn valley(latitude: f64, longitude: f64) -> RegionParameters {
    let mut file = RegionFile::from(RegionParameters::default());
    (file.name, file.latitude, file.longitude) = ("valley".into(), latitude, longitude);
    (file.time_zone, file.country, file.radius_m) = ("Europe/Vaduz".into(), "LI".into(), 20_000.0);
    RegionParameters::try_from(file).unwrap()
}

/// What reading a file with those bytes says.
fn said(bytes: &[u8]) -> Result<Streets, String> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read(file.path(), &valley(47.0, 9.5)).map_err(|error| error.to_string())
}

#[test]
fn a_road_becomes_streets_between_its_junctions() {
    // A residential road of 150 nodes way by way; a way outside of the region; a building.
    let mut ways: Vec<_> = (0..149).map(|id| (id..id + 2, "highway=residential")).collect();
    ways.push((1_000..1_010, "highway=primary"));
    ways.push((10..20, "building=yes"));
    assert_eq!(said(&map(1_100, &ways)).unwrap().door_count(), 150);
    // One way through 150 nodes has two junctions, which are not enough.
    assert!(said(&map(150, &[(0..150, "highway=residential")])).unwrap_err().contains("the 1 roads of the map"));
}

#[test]
fn roads_that_lead_one_way_do_not_belong_together() {
    let ways: Vec<_> = (0..149).map(|id| (id..id + 2, "highway=residential oneway=yes")).collect();
    let refusal = said(&map(150, &ways)).unwrap_err();
    assert!(refusal.contains("149 roads") && refusal.contains("do not belong together"), "{refusal}");
}

#[test]
fn a_map_without_roads_says_where_it_looked() {
    let refusal = said(&map(10, &[(0..10, "waterway=river")])).unwrap_err();
    assert!(refusal.ends_with("has no roads within 20 km of 47, 9.5"), "{refusal}");
    let far = said(&map(1_000, &[(900..1_000, "highway=primary")])).unwrap_err();
    assert!(far.ends_with("has no roads within 20 km of 47, 9.5; it has some near 47.000, 10.687"), "{far}");
}

#[test]
fn a_file_that_is_cut_or_something_else_is_refused_with_the_place() {
    let ways: Vec<_> = (0..149).map(|id| (id..id + 2, "highway=residential")).collect();
    let whole = map(150, &ways);
    let start = blob("OSMHeader", &[]).len();
    for cut in [start + 5, start + 30, whole.len() / 2, whole.len() - 1] {
        let refusal = said(&whole[..cut]).unwrap_err();
        assert!(refusal.contains("truncated"), "{cut}: {refusal}");
    }
    assert!(said(b"<osm version=\"0.6\">").unwrap_err().contains("from byte 0 on"));
    assert!(said(b"").unwrap_err().contains("no roads"));
    let missing = read(Path::new("no/such.osm.pbf"), &valley(47.0, 9.5)).unwrap_err();
    assert!(missing.to_string().starts_with("cannot open the map no/such.osm.pbf"), "{missing}");
}

/// The real map, where the machine has it (`RUSHHOUR_OSM`).
#[test]
fn a_real_map_becomes_a_region() {
    #[expect(clippy::disallowed_methods, reason = "the map is where the caller says")]
    let Some(path) = std::env::var_os("RUSHHOUR_OSM").map(PathBuf::from) else { return };
    let parameters = valley(47.14, 9.54);
    let streets = read(&path, &parameters).unwrap();
    assert!((1_000..50_000).contains(&streets.door_count()), "{}", streets.door_count());
    let region = Region::on_streets(&parameters, streets, 1);
    assert!(!region.lines.is_empty(), "a valley has buses");
    let whole = std::fs::read(&path).unwrap();
    for share in [3, 5, 7] {
        let refusal = said(&whole[..whole.len() / share]).unwrap_err();
        assert!(refusal.contains("truncated"), "{refusal}");
    }
}
