//! How much of a chunk is what, read from its head alone: for whoever wants to know where the bytes go.

use crate::chunk::{Group, IS_ROUNDED, take, take_group, take_number};

/// What a chunk says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The version of its format.
    pub version: u8,
    /// Whether entries were rounded before they were encoded.
    pub is_rounded: bool,
    /// Its streams; their bytes and [`shared_bytes`](Self::shared_bytes) are all of the chunk.
    pub streams: Vec<StreamSize>,
    /// Bytes of what all streams share: the head, the tables, the order of entries.
    pub shared_bytes: usize,
}

/// What one stream of a chunk takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSize {
    /// The key of its entries; `None` when it holds the few entries of several keys.
    pub key: Option<String>,
    /// How many entries it holds.
    pub rows: usize,
    /// How many bytes they take.
    pub bytes: usize,
}

/// The sizes of the streams of a chunk; `None` if these are not the bytes of one. What is in the streams is not looked at.
pub fn sizes(bytes: &[u8]) -> Option<Sizes> {
    let mut rest = bytes;
    let ([version], [flags]) = (take(&mut rest, 1)?, take(&mut rest, 1)?) else { return None };
    let mut streams = Vec::new();
    for _ in 0..take_number(&mut rest)? {
        let key = match take_group(&mut rest)? {
            Group::Location => Some("background/location".to_owned()),
            Group::Filtered => Some("background/filtered_location".to_owned()),
            Group::Own(key) => Some(key.into()),
            Group::Told | Group::Others | Group::Mixed => None,
        };
        let [rows, stream, texts] = [take_number(&mut rest)?, take_number(&mut rest)?, take_number(&mut rest)?];
        let packed = if texts == 0 { 0 } else { take_number(&mut rest)? };
        streams.push(StreamSize { key, rows, bytes: stream.checked_add(packed)? });
    }
    let own = streams.iter().try_fold(0_usize, |sum, stream| sum.checked_add(stream.bytes))?;
    let shared_bytes = bytes.len().checked_sub(own)?;
    Some(Sizes { version: *version, is_rounded: flags & IS_ROUNDED != 0, streams, shared_bytes })
}

#[cfg(test)]
mod tests {
    use crate::{NewRow, Rows, sizes};

    #[test]
    fn the_streams_and_what_they_share_are_all_of_a_chunk() {
        let text =
            |key: &str, at: u32| format!(r#"{{"metadata":{{"key":"{key}","write_ts":{at}}},"data":{{"n":{at}}}}}"#);
        let keys = ["background/location", "background/battery", "stats/client_time"];
        let texts: Vec<_> = (0..30).map(|at| (keys[at as usize % 3], at, text(keys[at as usize % 3], at))).collect();
        let rows = texts.iter().map(|(key, at, text)| NewRow { kind: "message", key, write_ts: (*at).into(), text });
        let bytes = Rows::parse(&rows.collect::<Vec<_>>()).encode();
        let sizes = sizes(&bytes).unwrap();
        let streams: Vec<_> = sizes.streams.iter().map(|stream| (stream.key.as_deref(), stream.rows)).collect();
        assert_eq!(streams, [(Some("background/location"), 10), (None, 20)]);
        let own: usize = sizes.streams.iter().map(|stream| stream.bytes).sum();
        assert_eq!(own + sizes.shared_bytes, bytes.len());
        assert!(!sizes.is_rounded && sizes.shared_bytes > 0);
        assert_eq!(super::sizes(&bytes[..5]), None);
    }
}
