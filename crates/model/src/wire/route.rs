//! The routes, as paths.

/// Registers a token.
pub const PROFILE_CREATE: &str = "/profile/create";
/// Returns the profile.
pub const PROFILE_GET: &str = "/profile/get";
/// Sets fields of the profile.
pub const PROFILE_UPDATE: &str = "/profile/update";
/// Uploads a batch of entries.
pub const USERCACHE_PUT: &str = "/usercache/put";
/// Uploads one entry.
pub const USERCACHE_PUTONE: &str = "/usercache/putone";
/// Fetches what the server has for the phone: always nothing, since the original disabled it.
pub const USERCACHE_GET: &str = "/usercache/get";
/// Finds entries by key and time; the time type is appended.
pub const FIND_ENTRIES: &str = "/datastreams/find_entries";
/// Tells which time range has been processed.
pub const GET_RANGE_TS: &str = "/pipeline/get_range_ts";
/// Tells up to when the pipeline has run.
pub const GET_COMPLETE_TS: &str = "/pipeline/get_complete_ts";
/// Returns the trips that start on a day; the day is appended.
pub const GET_TRIPS: &str = "/timeline/getTrips";
/// Returns the labels a person made.
pub const CUSTOMLABEL_GET: &str = "/customlabel/get";
/// Adds a label.
pub const CUSTOMLABEL_INSERT: &str = "/customlabel/insert";
/// Counts a label's use, or replaces it.
pub const CUSTOMLABEL_UPDATE: &str = "/customlabel/update";
/// Takes a label away.
pub const CUSTOMLABEL_DELETE: &str = "/customlabel/delete";
/// Returns sums over days; the time type is appended, of which only `yyyy_mm_dd` is in use.
pub const METRICS_BY_DAY: &str = "/result/metrics";
/// Returns points along everybody's ways; the time type is appended.
pub const HEATMAP_ROUTE: &str = "/result/heatmap/pop.route";
/// Returns reported incidents; the time type is appended.
pub const HEATMAP_INCIDENTS: &str = "/result/heatmap/incidents";
/// Sends a browser to the app; GET, the app's route is appended.
pub const REDIRECT: &str = "/redirect";
/// Keeps a usage of medication, or counts them; the id of one is appended.
pub const USAGES: &str = "/api/usages";
/// Follows logs as they grow; GET.
pub const EVENTS: &str = "/events";
/// Appends to a log or reads from it; its name is appended.
pub const LOGS: &str = "/logs";
/// Describes the interface; GET.
pub const OPENAPI: &str = "/openapi.json";
/// The operator's page; GET.
pub const OPERATOR: &str = "/";
/// What it shows, as server-sent events; GET.
pub const OPERATOR_EVENTS: &str = "/operator/events";
/// Tells that the server is up; GET.
pub const HEALTHZ: &str = "/healthz";
/// Whether it can be used.
pub const READYZ: &str = "/readyz";
/// The server's own measurements in Prometheus text; GET.
pub const METRICS: &str = "/metrics";
