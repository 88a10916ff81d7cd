//! What must hold of any city.

use std::sync::LazyLock;

use rand::RngExt;

use super::*;
use crate::roads::{Class, HABITS, Route, Street, Users, Way};
use crate::track::Cover;
use crate::truth::Mode;

/// A town: small, so that it is made quickly.
fn town(seed: u64) -> Region {
    Region::synthetic(&parameters(6_000.0), seed)
}

fn parameters(radius_m: f64) -> RegionParameters {
    let mut file = RegionFile::from(RegionParameters::default());
    file.radius_m = radius_m;
    RegionParameters::try_from(file).unwrap()
}

static TOWN: LazyLock<Region> = LazyLock::new(|| town(1));

const PURPOSES: [Purpose; 9] = [
    Purpose::Work,
    Purpose::School,
    Purpose::Shop,
    Purpose::Meal,
    Purpose::Errand,
    Purpose::Leisure,
    Purpose::Social,
    Purpose::Escort,
    Purpose::Lodging,
];

fn rng() -> Draws {
    draws(7, 0, 0, Subject::Travel)
}

fn ways() -> impl Iterator<Item = Way> {
    (0..HABITS).map(|habit| Way::Car { habit }).chain([Way::Bicycle, Way::Foot])
}

/// Some homes and some places for every purpose.
fn sites(region: &Region, count: usize) -> Vec<Site> {
    let mut rng = rng();
    let homes: Vec<Site> = (0..count).map(|_| region.home(&mut rng)).collect();
    let places = homes.iter().flat_map(|home| PURPOSES.map(|purpose| (home, purpose)));
    let places: Vec<Site> = places.map(|(home, purpose)| region.site(purpose, home.at, 2_000.0, &mut rng)).collect();
    [vec![region.airport()], homes, places].concat()
}

/// What somebody sees of a region: a few of its homes, places and ways.
fn looks(region: &Region) -> (Vec<Site>, Vec<Option<Route>>, Vec<Line>) {
    let sites = sites(region, 20);
    let mut router = region.roads.router();
    let routes = sites.windows(2).flat_map(|pair| ways().map(move |way| (way, pair[0].node, pair[1].node)));
    let routes = routes.map(|(way, from, to)| router.route(&region.roads, way, from, to)).collect();
    (sites, routes, region.lines.clone())
}

#[test]
fn the_same_seed_is_the_same_region() {
    assert_eq!(looks(&TOWN), looks(&town(1)));
    assert_ne!(sites(&TOWN, 2), sites(&town(2), 2));
}

#[test]
fn everybody_gets_from_everywhere_to_everywhere() {
    let sites = sites(&TOWN, 40);
    let mut router = TOWN.roads.router();
    let mut rng = rng();
    for site in &sites {
        assert!(TOWN.roads.position(site.node).distance_m(site.at) < 41.0, "a door is near its node");
        let other = sites[rng.random_range(0..sites.len())];
        for way in ways() {
            let Route { vertices, .. } = router.route(&TOWN.roads, way, site.node, other.node).expect("a way");
            let is_rapid = vertices.iter().any(|vertex| vertex.class == Class::Express);
            assert!(matches!(way, Way::Car { .. }) || !is_rapid, "{way:?} on an expressway");
            let end = vertices.last().map_or(TOWN.roads.position(site.node), |vertex| vertex.at);
            assert_eq!(end, TOWN.roads.position(other.node));
            assert_eq!(TOWN.roads.nearest(end), other.node);
        }
    }
}

#[test]
fn drivers_have_tastes_and_hurry() {
    let sites = sites(&TOWN, 60);
    let mut router = TOWN.roads.router();
    let (mut differing, mut total) = (0, 0);
    let (mut driven_m, mut walked_m) = (0.0, 0.0);
    for pair in sites.windows(2) {
        let [first, second, foot] = [Way::Car { habit: 0 }, Way::Car { habit: 1 }, Way::Foot]
            .map(|way| router.route(&TOWN.roads, way, pair[0].node, pair[1].node).unwrap());
        let start = TOWN.roads.position(pair[0].node);
        let length_m = |route: &Route| {
            let points = [start].into_iter().chain(route.vertices.iter().map(|vertex| vertex.at)).collect::<Vec<_>>();
            points.windows(2).map(|pair| pair[0].distance_m(pair[1])).sum::<f64>()
        };
        driven_m += length_m(&first);
        walked_m += length_m(&foot);
        total += 1;
        differing += usize::from(first != second);
    }
    assert!(differing * 2 > total, "{differing} of {total}");
    assert!(walked_m < driven_m, "walkers take the short way: {walked_m} of {driven_m}");
}

/// The distances that come out, compared with those asked for: the median of how many times they are off, and the
/// largest difference of the two distributions (Kolmogorov and Smirnov).
fn distance_law(region: &Region, purpose: Purpose, mu: f64, sigma: f64, max_m: f64) -> (f64, f64) {
    let mut rng = rng();
    let normal = crate::person::log_normal(mu, sigma);
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    while pairs.len() < 2_000 {
        let from = region.home(&mut rng).at;
        let asked_m: f64 = rand_distr::Distribution::sample(&normal, &mut rng);
        if (100.0..max_m).contains(&asked_m) {
            pairs.push((asked_m, from.distance_m(region.site(purpose, from, asked_m, &mut rng).at)));
        }
    }
    let mut errors: Vec<f64> = pairs.iter().map(|(asked, given)| (given / asked).ln().abs()).collect();
    errors.sort_by(f64::total_cmp);
    let (mut asked, mut given): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    asked.sort_by(f64::total_cmp);
    given.sort_by(f64::total_cmp);
    let below = |sorted: &[f64], metres| sorted.partition_point(|&other| other <= metres) as f64 / 2_000.0;
    let ks = given.iter().map(|&metres| (below(&given, metres) - below(&asked, metres)).abs()).fold(0.0, f64::max);
    (errors[1_000], ks)
}

#[test]
fn places_are_as_far_away_as_asked_for() {
    // The law of trips (mobility.md 2b), cut to a town.
    for purpose in PURPOSES {
        let (error, ks) = distance_law(&TOWN, purpose, 8.40, 1.55, 8_000.0);
        let (error_max, ks_max) = match purpose {
            Purpose::School | Purpose::Escort | Purpose::Lodging => (0.12, 0.08),
            _ => (0.08, 0.04),
        };
        assert!(error < error_max && ks < ks_max, "{purpose:?}: median error {error:.3}, KS {ks:.3}");
    }
}

#[test]
fn people_share_places_and_some_places_are_popular() {
    let mut rng = rng();
    let visits = (0..3_000).map(|_| {
        let home = TOWN.home(&mut rng).at;
        TOWN.site(Purpose::Shop, home, 1_500.0, &mut rng).at
    });
    let mut shops: Vec<(u64, u64)> = visits.map(|at| (at.x_m.to_bits(), at.y_m.to_bits())).collect();
    shops.sort_unstable();
    let mut counts: Vec<usize> = shops.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
    counts.sort_unstable();
    let top: usize = counts.iter().rev().take(counts.len() / 10).sum();
    assert!(counts.len() < 2_200 && top > 750, "{} shops, {top} visits to the top tenth", counts.len());
    let mut homes: Vec<u64> = (0..1_000).map(|_| TOWN.home(&mut rng).at.x_m.to_bits()).collect();
    homes.sort_unstable();
    homes.dedup();
    assert_eq!(homes.len(), 1_000, "everybody has a house of their own");
}

#[test]
fn no_place_is_beyond_the_edge() {
    let mut rng = rng();
    for metres in [1.0, 20_000.0, 1e6] {
        let site = TOWN.site(Purpose::Shop, Point::new(5_000.0, 0.0), metres, &mut rng);
        assert!(site.at.distance_m(Point::default()) < 6_600.0, "{site:?}");
    }
}

#[test]
fn the_river_is_crossed_at_few_bridges_only() {
    for seed in 1..4 {
        let mut rng = draws(seed, 0, 0, Subject::Region);
        let plan = city::Plan::draw(6_000.0, &mut rng);
        let roads = Roads::new(plan.streets(&mut rng), &mut rng);
        let crossing: Vec<_> = roads.stretches().filter(|(_, a, b)| plan.river.parts(*a, *b)).collect();
        let count = |class| crossing.iter().filter(|(other, ..)| *other == class).count();
        assert_eq!(count(Class::Side), 0, "side streets end at the bank");
        assert!((1..=8).contains(&count(Class::Main)), "{} bridges", count(Class::Main));
        assert!(count(Class::Express) >= 1);
    }
}

#[test]
fn rides_save_time_and_stop_near_both_ends() {
    let mut rng = rng();
    let mut rides = 0;
    for _ in 0..1_000 {
        let [from, to] = [(); 2].map(|()| TOWN.home(&mut rng).at);
        let Some(ride) = TOWN.ride(from, to) else { continue };
        rides += 1;
        assert_ne!(ride.board, ride.alight);
        let [board, alight] = [ride.board, ride.alight].map(|stop| TOWN.stop(ride, stop).at);
        let max_m = if TOWN.line(ride).mode == Mode::Train { 2_000.0 } else { 1_200.0 };
        assert!(from.distance_m(board) <= max_m && to.distance_m(alight) <= max_m);
        assert!(from.distance_m(board) + to.distance_m(alight) < from.distance_m(to), "{ride:?}");
    }
    assert!(rides > 300, "{rides} of 1000");
    let home = TOWN.home(&mut rng).at;
    assert_eq!(TOWN.ride(home, Point::new(home.x_m + 300.0, home.y_m)), None, "walking is quicker");
}

#[test]
fn lines_lead_from_stop_to_stop() {
    assert!(TOWN.lines.iter().any(|line| line.mode == Mode::Train && (0..line.stops.len()).any(|i| line.is_tunnel(i))));
    assert!(TOWN.lines.iter().filter(|line| line.mode == Mode::Bus).count() >= 6);
    for line in &TOWN.lines {
        for (i, pair) in line.stops.windows(2).enumerate() {
            let path = line.path(i);
            assert_eq!((path[0], path[path.len() - 1]), (pair[0].at, pair[1].at));
            let length_m: f64 = path.windows(2).map(|pair| pair[0].distance_m(pair[1])).sum();
            assert!((300.0..3_000.0).contains(&length_m), "{:?} {length_m}", line.mode);
        }
    }
}

#[test]
fn the_middle_is_a_canyon_and_its_expressways_are_tunnels() {
    let [mut canyon, mut tunnel] = [0, 0];
    let sites = sites(&TOWN, 100);
    let mut router = TOWN.roads.router();
    for pair in sites.windows(2) {
        for vertex in router.route(&TOWN.roads, Way::Car { habit: 0 }, pair[0].node, pair[1].node).unwrap().vertices {
            let is_rapid = vertex.class == Class::Express;
            assert!(vertex.cover != Cover::Tunnel || is_rapid);
            assert!((8.0..=29.0).contains(&vertex.speed_m_s), "{vertex:?}");
            canyon += usize::from(vertex.cover == Cover::Canyon);
            tunnel += usize::from(vertex.cover == Cover::Tunnel);
        }
    }
    assert!(canyon > 10 && tunnel > 0, "{canyon} {tunnel}");
}

#[test]
fn people_live_on_streets_that_somebody_mapped() {
    // A comb: a road with a lane at each of its 60 bends.
    let point = |i: u32, north: f64| Point::new(100.0 * f64::from(i) - 3_000.0, north);
    let nodes: Vec<Point> = (0..60).map(|i| point(i, 0.0)).chain((0..60).map(|i| point(i, 250.0))).collect();
    let street = |from, to, class| Street {
        from,
        to,
        bends: Vec::new(),
        class,
        speed_m_s: 10.0,
        cover: Cover::Open,
        is_one_way: false,
        users: Users::ALL,
    };
    let road = (0..59).map(|i| street(i, i + 1, Class::Main));
    let lanes = (0..60).map(|i| street(i, i + 60, Class::Side));
    let streets = Streets::new(&nodes, road.chain(lanes).collect()).unwrap();
    let region = Region::on_streets(&parameters(4_000.0), streets, 1);
    assert!(!region.lines.is_empty() && region.lines.iter().all(|line| line.mode == Mode::Bus));
    let (error, _) = distance_law(&region, Purpose::Shop, 7.0, 0.5, 3_000.0);
    assert!(error < 0.1, "{error}");
}
