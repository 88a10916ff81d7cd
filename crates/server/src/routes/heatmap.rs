//! Where a person went, and what they reported on the way, inside a region.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use geo::{Contains, LineString, MultiPolygon, Point, Polygon};
use rushhour_model::analysis::Finding;
use rushhour_model::entry::seconds as float;
use rushhour_model::wire::{
    ErrorResponse, FindEntriesRequest, HeatmapIncidentsResponse, HeatmapRequest, HeatmapRouteResponse,
};
use rushhour_pipeline::keys::RECREATED_LOCATION;
use rushhour_pipeline::mode::Motion;
use rushhour_store::{Query, blocking};
use serde_json::Value;

use crate::app::App;
use crate::body::{JsonBody, parse};
use crate::diary::documents_for;
use crate::error::ServerError;
use crate::routes::{datastreams, json};

/// What a person reports on the way.
const INCIDENT: &str = "manual/incident";

/// `POST /result/heatmap/pop.route/<time_type>`
#[utoipa::path(
    post,
    path = "/result/heatmap/pop.route/{time_type}",
    params(("time_type" = String, Path, description = "Ignored: the body says the form of the query")),
    request_body = HeatmapRequest,
    responses((status = 200, description = "As asked", body = HeatmapRouteResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn route(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: HeatmapRequest<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, request.user.as_deref())?;
    let (region, modes) = (Region::read(request.sel_region.as_ref())?, modes(request.modes.as_deref())?);
    let keys = Some(vec![RECREATED_LOCATION.to_owned()]);
    let query = Query { keys, ..times_of(request, app.limits.entries_max)? };
    let points_max = app.limits.entries_max;
    let documents = blocking(move || {
        documents_for(&app.store, &app.recent, user, &query).map(|found| {
            let mut points = Vec::new();
            for document in found {
                let asked = query.stamp_of_document(&document);
                let Finding::RecreatedLocation(location) = document.data else { continue };
                let at = [float(&location.longitude), float(&location.latitude)];
                let is_mode =
                    modes.as_ref().is_none_or(|modes| location.mode.as_i64().is_some_and(|mode| modes.contains(&mode)));
                if asked.is_some() && is_mode && region.has(at) && points.len() < points_max {
                    points.push(at);
                }
            }
            points
        })
    });
    Ok(json(&HeatmapRouteResponse { lnglat: documents.await? }))
}

/// `POST /result/heatmap/incidents/<time_type>`
#[utoipa::path(
    post,
    path = "/result/heatmap/incidents/{time_type}",
    params(("time_type" = String, Path, description = "Ignored: the body says the form of the query")),
    request_body = HeatmapRequest,
    responses((status = 200, description = "As asked", body = HeatmapIncidentsResponse), (status = "4XX", description = "What is wrong with the request", body = ErrorResponse), (status = "5XX", description = "Why it cannot be served now", body = ErrorResponse))
)]
pub(crate) async fn incidents(State(app): State<Arc<App>>, body: JsonBody) -> Result<Response, ServerError> {
    let request: HeatmapRequest<'_> = parse(&body.bytes)?;
    let user = body.caller.user(&app, request.user.as_deref())?;
    let region = Region::read(request.sel_region.as_ref())?;
    let mut query = times_of(request, app.limits.entries_max)?;
    query.keys = Some(vec![INCIDENT.to_owned()]);
    let found = app.store.find(user, query).await?;
    let incidents = found.iter().filter_map(|entry| {
        let data = serde_json::from_str::<Value>(&entry.text).ok()?.get_mut("data")?.take();
        let coordinates = data.get("loc")?.get("coordinates")?;
        region.has([coordinates.get(0)?.as_f64()?, coordinates.get(1)?.as_f64()?]).then_some(data)
    });
    Ok(json(&HeatmapIncidentsResponse { incidents: incidents.collect() }))
}

/// The times that are asked for; those of fixes count, not those of writing.
fn times_of(request: HeatmapRequest<'_>, entries_max: usize) -> Result<Query, ServerError> {
    let HeatmapRequest { start_time, end_time, from_local_date, to_local_date, .. } = request;
    let (key_time, key_local_date) = (Some("data.ts".to_owned()), Some("data.local_dt".to_owned()));
    let times = FindEntriesRequest {
        start_time,
        end_time,
        key_time,
        from_local_date,
        to_local_date,
        key_local_date,
        ..FindEntriesRequest::default()
    };
    datastreams::query(&times, entries_max)
}

/// The numbers of modes that are given by name.
fn modes(names: Option<&[String]>) -> Result<Option<Vec<i64>>, ServerError> {
    let number = |name: &String| {
        let reason = || format!("{name} is no mode; there are {}", Motion::names().collect::<Vec<_>>().join(", "));
        let motion = Motion::named(name).ok_or_else(|| ServerError::Invalid { name: "modes", reason: reason() })?;
        Ok(motion.number())
    };
    names.map(|names| names.iter().map(number).collect()).transpose()
}

/// Part of the earth.
#[derive(Debug)]
enum Region {
    Everywhere,
    Inside(MultiPolygon<f64>),
}

impl Region {
    /// Reads a GeoJSON polygon or multipolygon, or a feature that is one.
    fn read(region: Option<&Value>) -> Result<Self, ServerError> {
        let Some(region) = region.filter(|region| !region.is_null()) else { return Ok(Self::Everywhere) };
        let geometry = region.get("geometry").unwrap_or(region);
        let kind = geometry.get("type").and_then(Value::as_str);
        let coordinates = geometry.get("coordinates").unwrap_or(&Value::Null);
        let polygons = match kind {
            Some("Polygon") => polygon(coordinates).map(|polygon| vec![polygon]),
            Some("MultiPolygon") => coordinates.as_array().and_then(|parts| parts.iter().map(polygon).collect()),
            _ => None,
        };
        let reason = || "it takes a GeoJSON Polygon or MultiPolygon, or a Feature of one".to_owned();
        let polygons = polygons.ok_or_else(|| ServerError::Invalid { name: "sel_region", reason: reason() })?;
        Ok(Self::Inside(MultiPolygon(polygons)))
    }

    fn has(&self, [longitude, latitude]: [f64; 2]) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Inside(polygons) => polygons.contains(&Point::new(longitude, latitude)),
        }
    }
}

fn polygon(rings: &Value) -> Option<Polygon<f64>> {
    let ring = |points: &Value| -> Option<LineString<f64>> {
        let point = |point: &Value| Some((point.get(0)?.as_f64()?, point.get(1)?.as_f64()?));
        let points: Vec<(f64, f64)> = points.as_array()?.iter().map(point).collect::<Option<_>>()?;
        (points.len() >= 4).then(|| LineString::from(points))
    };
    let mut rings = rings.as_array()?.iter().map(ring).collect::<Option<Vec<_>>>()?.into_iter();
    Some(Polygon::new(rings.next()?, rings.collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    #[test]
    fn a_region_has_holes_and_parts() {
        let square = |from: f64, to: f64| value!([[from, from], [to, from], [to, to], [from, to], [from, from]]);
        let holed = value!({"type": "Polygon", "coordinates": [square(0.0, 10.0), square(4.0, 6.0)]});
        let region = Region::read(Some(&holed)).unwrap();
        assert!(region.has([1.0, 1.0]) && !region.has([5.0, 5.0]) && !region.has([11.0, 1.0]));
        let parts = value!({"type": "Feature", "geometry":
            {"type": "MultiPolygon", "coordinates": [[square(0.0, 1.0)], [square(2.0, 3.0)]]}});
        let region = Region::read(Some(&parts)).unwrap();
        assert!(region.has([0.5, 0.5]) && region.has([2.5, 2.5]) && !region.has([1.5, 1.5]));
        assert!(Region::read(Some(&Value::Null)).unwrap().has([0.0, 90.0]));
        for bad in [
            value!({"type": "Point", "coordinates": [0, 0]}),
            value!({"type": "Polygon", "coordinates": [[[0, 0]]]}),
            value!(7),
        ] {
            assert!(Region::read(Some(&bad)).is_err(), "{bad}");
        }
    }
}
