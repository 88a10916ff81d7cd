//! Which keys an upload may have entries of, in eight bytes: enough to pass over most uploads that do not matter.

/// A set of keys that may seem to hold more than it does, and never less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeySet(u64);

impl KeySet {
    /// Nothing is known: it may be any.
    pub(crate) const ANY: Self = Self(u64::MAX);

    pub(crate) fn of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let bit = |key: &str| 1 << (crc32c::crc32c(key.as_bytes()) % u64::BITS);
        Self(keys.into_iter().map(bit).fold(0, |set, bit| set | bit))
    }

    /// Whether a key may be in both.
    pub(crate) fn may_meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_always_in_its_set_and_most_others_are_not() {
        let keys: Vec<String> = (0..1_000).map(|number| format!("background/key-{number}")).collect();
        let set = |keys: &[String]| KeySet::of(keys.iter().map(String::as_str));
        assert!(keys.chunks(1).all(|key| set(&keys).may_meet(set(key)) && KeySet::ANY.may_meet(set(key))));
        let few = set(keys.get(..8).unwrap_or_default());
        let met = keys.chunks(1).skip(8).filter(|key| few.may_meet(set(key))).count();
        assert!(met < 200, "{met} of 992");
    }
}
