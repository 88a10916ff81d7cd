//! Stops of public transport in a file: a CSV table, or an OpenStreetMap extract.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use osmpbf::{Element, ElementReader, RelMemberType};
use rushhour_pipeline::transit::{Stops, TransitStop};

use crate::output::say;

/// The stops in `path`: of an `.osm.pbf` file those of its routes, of any other the rows of a CSV table.
pub(crate) fn read(path: &Path) -> Result<Stops> {
    let is_osm = path.extension().is_some_and(|extension| extension == "pbf");
    let stops = if is_osm { read_osm(path)? } else { read_csv(path)? };
    say(&format!("{} stops of public transport in {}", stops.len(), path.display()));
    Stops::new(stops).map_err(|mode| {
        anyhow!("{}: nothing stops as {mode}; bus, train, subway, tram and light_rail do", path.display())
    })
}

fn read_csv(path: &Path) -> Result<Vec<TransitStop>> {
    let mut file = csv::Reader::from_path(path).with_context(|| format!("reading {}", path.display()))?;
    let rows = file.deserialize().collect::<Result<_, _>>();
    rows.with_context(|| format!("reading {} as a CSV file with latitude, longitude and mode", path.display()))
}

/// A route that serves a stop.
struct Service {
    mode: String,
    route: String,
}

/// A stop counts once for each route that it is a member of: only who boards and leaves one route has taken it.
fn read_osm(path: &Path) -> Result<Vec<TransitStop>> {
    let reading = || format!("reading {} as an OpenStreetMap extract", path.display());
    let mut services: HashMap<i64, Vec<Service>> = HashMap::new();
    let relations = ElementReader::from_path(path).with_context(reading)?;
    relations
        .for_each(|element| {
            let Element::Relation(relation) = element else { return };
            let tag = |name: &str| relation.tags().find(|(key, _)| *key == name).map(|(_, value)| value);
            let Some(mode @ ("bus" | "train" | "subway" | "tram" | "light_rail")) = tag("route") else { return };
            // Both directions of a line have the same number, and relations of their own.
            let route = tag("ref").map_or_else(|| relation.id().to_string(), |number| format!("{mode} {number}"));
            for member in relation.members().filter(|member| member.member_type == RelMemberType::Node) {
                let service = Service { mode: mode.to_owned(), route: route.clone() };
                services.entry(member.member_id).or_default().push(service);
            }
        })
        .with_context(reading)?;
    let mut stops = Vec::new();
    let mut add = |id: i64, latitude: f64, longitude: f64| {
        for Service { mode, route } in services.remove(&id).unwrap_or_default() {
            stops.push(TransitStop { latitude, longitude, route, mode });
        }
    };
    let nodes = ElementReader::from_path(path).with_context(reading)?;
    nodes
        .for_each(|element| match element {
            Element::Node(node) => add(node.id(), node.lat(), node.lon()),
            Element::DenseNode(node) => add(node.id(), node.lat(), node.lon()),
            Element::Way(_) | Element::Relation(_) => {}
        })
        .with_context(reading)?;
    Ok(stops)
}
