//! An upload's body cut while it arrives: the list of its entries into pieces, and what is around the list.

/// The list's name in the body's object.
const LIST: &[u8] = b"\"phone_to_server\"";

/// How deep the list is: in the body's object.
const LIST_DEPTH: usize = 2;

/// Cuts the list at commas between entries. It takes any bytes, and leaves it to whoever parses to find out what is no
/// JSON: the body is JSON exactly if what is around the list and each piece of the list are.
#[derive(Debug)]
pub(crate) struct Pieces {
    /// A piece is cut as soon as it is so large.
    piece_bytes: usize,
    /// The body, with an empty list.
    around: Vec<u8>,
    /// What has not been taken of the list, from its bracket on.
    list: Vec<u8>,
    /// Where in `list` the last comma between entries is.
    comma: Option<usize>,
    commas: usize,
    /// How many objects and lists the next byte is in.
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    /// Where in `around` the last text begins.
    name_at: usize,
    part: Part,
}

/// Where in the body the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Before,
    /// A list that opens now is the one.
    Named,
    Inside,
    Behind,
}

impl Pieces {
    pub(crate) fn new(piece_bytes: usize) -> Self {
        Self {
            piece_bytes,
            around: Vec::new(),
            list: Vec::new(),
            comma: None,
            commas: 0,
            depth: 0,
            in_text: false,
            is_escaped: false,
            name_at: 0,
            part: Part::Before,
        }
    }

    /// How many entries were begun, if the list has any.
    pub(crate) fn entries(&self) -> usize {
        self.commas + 1
    }

    /// Adds the next bytes of the body.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            if self.in_text {
                self.step_in_text(*byte);
                continue;
            }
            match byte {
                b'"' => {
                    self.in_text = true;
                    self.name_at = self.around.len() + at - 1;
                }
                b'{' | b'[' => {
                    self.depth += 1;
                    if *byte == b'[' && self.depth == LIST_DEPTH && self.part == Part::Named {
                        self.shift(&mut bytes, &mut at);
                        self.part = Part::Inside;
                        self.list.push(b'[');
                    }
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.part == Part::Inside && self.depth < LIST_DEPTH {
                        at -= 1;
                        self.shift(&mut bytes, &mut at);
                        self.part = Part::Behind;
                        at = 1;
                    }
                }
                b',' if self.part == Part::Inside && self.depth == LIST_DEPTH => {
                    self.comma = Some(self.list.len() + at - 1);
                    self.commas += 1;
                }
                b':' if matches!(self.part, Part::Before | Part::Named) && self.depth + 1 == LIST_DEPTH => {
                    self.shift(&mut bytes, &mut at);
                    self.part = if self.is_named() { Part::Named } else { Part::Before };
                }
                _ => {}
            }
        }
        self.shift(&mut bytes, &mut at);
    }

    fn step_in_text(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => self.in_text = false,
            _ => {}
        }
    }

    /// Moves the first `at` bytes to where they belong.
    fn shift(&mut self, bytes: &mut &[u8], at: &mut usize) {
        let (seen, rest) = bytes.split_at(*at);
        if self.part == Part::Inside {
            self.list.extend_from_slice(seen)
        } else {
            self.around.extend_from_slice(seen)
        }
        (*bytes, *at) = (rest, 0);
    }

    /// Whether the name before the colon at the end of `around` is the list's.
    fn is_named(&self) -> bool {
        let name = self.around.get(self.name_at..).and_then(|text| text.strip_prefix(LIST));
        name.is_some_and(|rest| rest.trim_ascii() == b":")
    }

    /// Takes a piece of the list, which is a list itself, once there is one.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        if self.list.len() < self.piece_bytes {
            return None;
        }
        let comma = self.comma.take()?;
        let mut rest = self.list.split_off(comma);
        if let Some(comma) = rest.first_mut() {
            *comma = b'[';
        }
        Some(closed(std::mem::replace(&mut self.list, rest), true))
    }

    /// What is around the list, and the last piece of the list, if the body has the list at all.
    pub(crate) fn end(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        let around = std::mem::take(&mut self.around);
        let is_next_to_comma = self.comma.is_none() && self.commas > 0;
        let list = Some(std::mem::take(&mut self.list)).filter(|list| !list.is_empty());
        (around, list.map(|list| closed(list, is_next_to_comma)))
    }
}

/// A piece with its bracket. Where a comma was cut off there must be something next to it, or it is left as what it is.
fn closed(mut piece: Vec<u8>, is_next_to_comma: bool) -> Vec<u8> {
    let is_blank = piece.get(1..).is_some_and(|inner| inner.trim_ascii().is_empty());
    piece.extend_from_slice(if is_next_to_comma && is_blank { b",]" } else { b"]" });
    piece
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// The body again, put together from what it was cut into; `None` if any of that is no JSON.
    fn joined(body: &[u8], step: usize, piece_bytes: usize) -> Option<Value> {
        let mut pieces = Pieces::new(piece_bytes);
        let mut taken = Vec::new();
        for bytes in body.chunks(step) {
            pieces.push(bytes);
            taken.extend(std::iter::from_fn(|| pieces.take()));
        }
        let entries = pieces.entries();
        let (around, last) = pieces.end();
        taken.extend(last);
        let has_list = !taken.is_empty();
        let mut body: Value = serde_json::from_slice(&around).ok()?;
        let lists: Result<Vec<Vec<Value>>, _> = taken.iter().map(|piece| serde_json::from_slice(piece)).collect();
        let list = lists.ok()?.concat();
        assert!(list.is_empty() || list.len() == entries, "{entries} entries were counted of {}", list.len());
        if has_list {
            *body.get_mut("phone_to_server").expect("the list's place is kept") = Value::Array(list);
        }
        Some(body)
    }

    #[test]
    fn what_is_cut_is_json_exactly_if_the_body_is() {
        for body in [
            r#"{"user":"a","phone_to_server":[{"a":1},{"b":[1,2,{"c":"],\"[{"}]},3]}"#,
            r#"{ "phone_to_server" : [ ] , "user" : "phone_to_server" }"#,
            r#"{"phone_to_server":[1,2,]}"#,
            r#"{"phone_to_server":[,1]}"#,
            r#"{"phone_to_server":[1,,2]}"#,
            r#"{"phone_to_server":[1 2]}"#,
            r#"{"phone_to_server":[1,2}"#,
            r#"{"phone_to_server":[1,{"a":2],"b":3}]}"#,
            r#"{"phone_to_server":[1,2"#,
            r#"{"phone_to_server":[1,"2"#,
            r#"{"phone_to_server" "x":[1,2]}"#,
            r#"{"phone_to_server":"x" [1,2]}"#,
            r#"{"phone_to_server":null,"x":[1,2]}"#,
            r#"{"x":{"phone_to_server":[1,2]},"y":"\"phone_to_server\":[1,2]"}"#,
            r#"{"phone\u005fto_server":[1,2]}"#,
            r#"["phone_to_server",[1,2]]"#,
            r#"[1,2]"#,
            "",
        ] {
            let whole = serde_json::from_str::<Value>(body).ok();
            for (step, piece_bytes) in [(1, 1), (2, 3), (3, 8), (100, 1), (100, 100)] {
                assert_eq!(joined(body.as_bytes(), step, piece_bytes), whole, "{body}, {step} bytes at a time");
            }
        }
    }

    #[test]
    fn a_piece_is_given_as_soon_as_it_is_there() {
        let mut pieces = Pieces::new(10);
        pieces.push(br#"{"phone_to_server":[{"a":1},{"b"#);
        assert_eq!(pieces.take().as_deref(), Some(br#"[{"a":1}]"#.as_slice()));
        assert_eq!((pieces.take(), pieces.entries()), (None, 2));
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_and_mean_the_same(
            parts in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"phone_to_server\"", "\"a\"", "\"\\\"[\"", " ", "1", "null", "{\"b\":[1,2]}",
                "\"phone_to_server\":[", "],", "{\"c\":\"],\"},",
            ]), 0..20),
            step in 1_usize..9,
            piece_bytes in 1_usize..20,
        ) {
            let body = format!("{{\"user\":1,{}}}", parts.concat());
            for body in [body, parts.concat()] {
                // Of two lists of that name `Value` keeps the last, which is another matter.
                if body.matches("phone_to_server").count() < 2 {
                    let whole = serde_json::from_str::<Value>(&body).ok();
                    prop_assert_eq!(joined(body.as_bytes(), step, piece_bytes), whole);
                }
            }
        }
    }
}
