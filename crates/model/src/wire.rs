//! The bodies of the HTTP interface: for each route, what is asked and what is answered.
//!
//! Requests are read leniently (what is missing is `None`) because each lack has its own answer, and written from
//! [`Call`] and the other `…Call` types. Both halves of the project meet only here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::entry::Entry;
use crate::extended_json::ObjectId;
use crate::ids::UserId;

pub mod route;

/// The time that entries are found by unless a query names another.
pub const WRITE_TS: &str = "metadata.write_ts";

/// A request that says nothing but who is asking.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Call<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
}

/// `/usercache/put`, as the server reads it: each entry is still the text that came.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutRequest<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// The batch.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    pub phone_to_server: Option<Vec<&'a RawValue>>,
    /// Which version of the deployment's configuration the phone has; newer apps only.
    pub deployment_config_version: Option<f64>,
    /// Such as `1.9.3`; newer apps only.
    #[serde(borrow)]
    pub app_version: Option<Cow<'a, str>>,
}

/// The answer of `/usercache/put` when the phone's configuration is out of date; otherwise the body is empty.
#[derive(Debug, Serialize, Deserialize)]
pub struct PutResponse {
    /// The deployment's configuration.
    pub deployment_config: Map<String, Value>,
}

/// `/usercache/put`, as a phone writes it.
#[derive(Debug, Serialize)]
pub struct PutCall<'a> {
    /// The caller's token.
    pub user: &'a str,
    /// The batch, in order of `write_ts` (iOS: motion entries last).
    pub phone_to_server: &'a [Entry],
}

/// `/usercache/putone`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutOneRequest<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// The entry.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub the_entry: Option<&'a RawValue>,
}

/// The answer of `/usercache/putone`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutOneResponse {
    /// Always true.
    pub putone: bool,
}

/// The answer of `/usercache/get`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsercacheGetResponse {
    /// Always empty.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub server_to_phone: Vec<Value>,
}

/// The answer of `/profile/create`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileCreateResponse {
    /// The user's id with dashes.
    pub uuid: String,
}

/// `/profile/update`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileUpdateRequest<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// The fields to set.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub update_doc: Option<Map<String, Value>>,
}

/// The answer of `/profile/update`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileUpdateResponse {
    /// Always true.
    pub update: bool,
}

/// `/datastreams/find_entries/<time_type>`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindEntriesRequest<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// Only these keys; all when absent or empty.
    pub key_list: Option<Vec<String>>,
    /// The first time that matches, in seconds since 1970; open when absent.
    pub start_time: Option<f64>,
    /// The last time that matches, in seconds since 1970; open when absent.
    pub end_time: Option<f64>,
    /// The field the times are compared with; [`WRITE_TS`] when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_time: Option<String>,
    /// The second form of the query: lower bounds of calendar fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub from_local_date: Option<Map<String, Value>>,
    /// The second form of the query: upper bounds of calendar fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub to_local_date: Option<Map<String, Value>>,
    /// The second form of the query: where the local date is; [`WRITE_TS`], which is none, when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_local_date: Option<String>,
    /// At most this many entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_entries: Option<usize>,
    /// Which of them when there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trunc_method: Option<TruncMethod>,
}

/// Which entries are left of an answer that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TruncMethod {
    /// The first ones.
    First,
    /// The last ones.
    Last,
    /// Evenly spaced ones.
    Sample,
}

/// The answer of `/datastreams/find_entries/<time_type>`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindEntriesResponse {
    /// The matching entries in order of the time asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub phone_data: Vec<Value>,
}

/// Writes the answer of `/datastreams/find_entries/<time_type>` from entries that are JSON texts already.
pub fn write_find_entries_response<'a>(
    user: UserId,
    entries: impl Iterator<Item = (ObjectId, &'a str)> + Clone,
) -> String {
    /// What stands around the entries, and the ids of each.
    const FRAME_BYTES: usize = 20;
    const IDS_BYTES: usize = 110;
    let texts_bytes: usize = entries.clone().map(|(_, text)| text.len() + IDS_BYTES).sum();
    let mut body = String::with_capacity(FRAME_BYTES + texts_bytes);
    body.push_str(r#"{"phone_data":["#);
    for (position, (id, text)) in entries.enumerate() {
        if position > 0 {
            body.push(',');
        }
        write_entry(&mut body, user, id, text);
    }
    body.push_str("]}");
    body
}

/// Writes an entry that is a JSON text already, with its ids.
pub fn write_entry(body: &mut String, user: UserId, id: ObjectId, text: &str) {
    let ids = format_args!(r#"{{"_id":{{"$oid":"{id}"}},"user_id":{{"$uuid":"{}"}},"#, user.0.simple());
    body.write_fmt(ids).expect("a text takes everything");
    body.push_str(text.trim_start().trim_start_matches('{'));
}

/// The answer of `/pipeline/get_range_ts`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RangeTsResponse {
    /// The start of the first processed trip, in seconds since 1970.
    pub start_ts: Option<f64>,
    /// The end of the last processed trip, in seconds since 1970.
    pub end_ts: Option<f64>,
}

/// The answer of `/pipeline/get_complete_ts`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CompleteTsResponse {
    /// Up to when the pipeline has run, in seconds since 1970.
    pub complete_ts: Option<f64>,
}

/// The answer of `/timeline/getTrips/<day>`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineResponse {
    /// One GeoJSON feature collection per trip.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub timeline: Vec<Value>,
}

/// `/customlabel/get`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomLabelGetRequest<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// The kinds of labels, such as `mode`.
    pub keys: Option<Vec<String>>,
}

/// The answer of `/customlabel/get`: for each kind its labels, the most used first.
pub type CustomLabelGetResponse = BTreeMap<String, Vec<String>>;

/// `/customlabel/insert`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomLabelInsertRequest<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// The new label.
    pub inserted_label: Option<CustomLabel>,
}

/// `/customlabel/delete`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomLabelDeleteRequest<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// The label to take away.
    pub deleted_label: Option<CustomLabel>,
}

/// A label of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomLabel {
    /// The kind, such as `mode`.
    pub key: String,
    /// The label.
    pub label: String,
}

/// `/customlabel/update`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomLabelUpdateRequest<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// What changes.
    pub updated_label: Option<UpdatedLabel>,
}

/// A label that takes another's place on a trip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdatedLabel {
    /// The kind, such as `mode`.
    pub key: String,
    /// The label that is used once less.
    pub old_label: String,
    /// The label that is used once more.
    pub new_label: String,
    /// Whether to make it if it does not exist.
    pub is_new_label_must_added: bool,
}

/// The answer of `/customlabel/insert`, `update` and `delete`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomLabelResponse {
    /// The labels of the kind, the most used first.
    pub label: Vec<String>,
}

/// `/result/metrics/yyyy_mm_dd`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetricsRequest<'a> {
    /// The caller's token; without one it is about everybody.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// The first day, `YYYY-MM-DD`.
    pub start_time: Option<String>,
    /// The last day, `YYYY-MM-DD`.
    pub end_time: Option<String>,
}

/// The answer of `/result/metrics/yyyy_mm_dd`: for each metric its days.
pub type MetricsResponse = BTreeMap<String, Vec<MetricDay>>;

/// A metric's day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetricDay {
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// How many people it is about.
    #[serde(rename = "nUsers")]
    pub users: u64,
    /// The measure for each value of a dimension, named `<dimension>_<value>`.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, f64>))]
    pub measures: Map<String, Value>,
}

/// `/result/heatmap/pop.route/<time_type>` and `/result/heatmap/incidents/<time_type>`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeatmapRequest<'a> {
    /// The caller's token.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// The first time, in seconds since 1970.
    pub start_time: Option<f64>,
    /// The last time, in seconds since 1970.
    pub end_time: Option<f64>,
    /// The second form of the query: lower bounds of calendar fields.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub from_local_date: Option<Map<String, Value>>,
    /// The second form of the query: upper bounds of calendar fields.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub to_local_date: Option<Map<String, Value>>,
    /// Only these modes, by their `MotionTypes` names.
    pub modes: Option<Vec<String>>,
    /// Only inside this region, as GeoJSON.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub sel_region: Option<Value>,
}

/// The answer of `/result/heatmap/pop.route/<time_type>`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeatmapRouteResponse {
    /// Longitude and latitude of each point.
    pub lnglat: Vec<[f64; 2]>,
}

/// The answer of `/result/heatmap/incidents/<time_type>`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeatmapIncidentsResponse {
    /// The incidents.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub incidents: Vec<Value>,
}

/// `POST /api/usages`: text or numbers, which stay the text that came.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageRequest<'a> {
    /// Whose.
    #[serde(borrow, rename = "patientId")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub patient_id: Option<&'a RawValue>,
    /// When.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub timestamp: Option<&'a RawValue>,
    /// Of what.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub medication: Option<&'a RawValue>,
}

/// The answer of `POST /api/usages`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageResponse {
    /// The usage's id.
    pub id: String,
}

/// The answer of `GET /api/usages`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageCountResponse {
    /// How many usages there are.
    pub count: u64,
}

/// The answer of `POST /logs/<name>`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogAppendResponse {
    /// The entry's id.
    pub id: String,
    /// When it was written, in seconds since 1970.
    pub write_ts: f64,
}

/// The answer of `GET /logs/<name>`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogResponse {
    /// The entries, in order of arrival.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub entries: Vec<Value>,
    /// Where to go on reading: the next `from`, and the id of an event.
    pub next: u32,
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorResponse {
    /// What was wrong, where, and what to do.
    pub error: String,
}

/// Whether an answer carries nothing: no bytes, or one object whose only list is empty, as in `{"timeline": []}`.
///
/// A load test that only ever sees such answers has not measured what it names.
pub fn is_empty_answer(body: &[u8]) -> bool {
    const LONGEST: usize = 64;
    if body.len() > LONGEST {
        return false;
    }
    let packed: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    packed.is_empty()
        || packed == b"{}"
        || (packed.ends_with(b"\":[]}") && packed.iter().filter(|b| **b == b':').count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_entries_are_given_their_ids_and_otherwise_left_alone() {
        let user = UserId(uuid::Uuid::from_u128(0xabc));
        let id = crate::ids::entry_id(user, "t", "k", 1.0);
        let body = write_find_entries_response(user, [(id, r#" { "data":{"x":1.0}}"#), (id, r#"{"a":1}"#)].into_iter());
        let uuid = "00000000000000000000000000000abc";
        let ids = format!(r#"{{"_id":{{"$oid":"{id}"}},"user_id":{{"$uuid":"{uuid}"}},"#);
        assert_eq!(body, format!(r#"{{"phone_data":[{ids} "data":{{"x":1.0}}}},{ids}"a":1}}]}}"#));
        assert_eq!(write_find_entries_response(user, std::iter::empty()), r#"{"phone_data":[]}"#);
    }

    #[test]
    fn bodies_have_the_names_of_the_interface() {
        let day = r#"{"date":"2016-06-20","nUsers":3,"mode_confirm_bike":2.5}"#;
        assert_eq!(serde_json::to_string(&serde_json::from_str::<MetricDay>(day).unwrap()).unwrap(), day);
        let update = r#"{"user":"anna","updated_label":{"key":"mode","old_label":"a","new_label":"b","is_new_label_must_added":true}}"#;
        let read: CustomLabelUpdateRequest<'_> = serde_json::from_str(update).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), update);
        let heatmap: HeatmapRequest<'_> =
            serde_json::from_str(r#"{"modes":null,"start_time":1,"end_time":2}"#).unwrap();
        assert_eq!((heatmap.modes, heatmap.end_time), (None, Some(2.0)));
    }

    #[test]
    fn an_empty_answer_is_told_from_a_short_one() {
        for empty in ["", "{}", r#"{"timeline": []}"#, r#"{"server_to_phone":[]}"#, "\n{ \"phone_data\" : [ ] }\n"] {
            assert!(is_empty_answer(empty.as_bytes()), "{empty}");
        }
        for full in [r#"{"putone":true}"#, r#"{"timeline":[1]}"#, r#"{"a":1,"b":[]}"#, &"x".repeat(65)] {
            assert!(!is_empty_answer(full.as_bytes()), "{full}");
        }
    }
}
