//! What an entry is made of: its leaves, put together again.

use crate::paths::{Aside, PathId, Paths, ROOT, Step};

/// A leaf with its number, or steps to what is inside.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Leaf(usize),
    Inside(Vec<(PathId, Part)>),
}

/// The parts of the entries that have the same leaves.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// The entry is what this leaf says.
    Raw(usize),
    Parts(Part),
}

impl Form {
    pub(crate) fn of(paths: &Paths, leaves: impl Iterator<Item = PathId>) -> Self {
        let mut root = Part::Inside(Vec::new());
        for (number, leaf) in leaves.enumerate() {
            match paths.node(leaf).step {
                Step::Aside(Aside::Raw) => return Self::Raw(number),
                Step::Aside(_) => {}
                _ => root.insert(&way_to(paths, leaf), number),
            }
        }
        root.sort(paths);
        Self::Parts(root)
    }
}

impl Part {
    fn insert(&mut self, way: &[PathId], leaf: usize) {
        let Some((step, way)) = way.split_first() else {
            *self = Self::Leaf(leaf);
            return;
        };
        let Self::Inside(parts) = self else { return };
        let known = parts.iter().position(|(path, _)| path == step);
        let at = known.unwrap_or_else(|| {
            parts.push((*step, Self::Inside(Vec::new())));
            parts.len() - 1
        });
        if let Some((_, part)) = parts.get_mut(at) {
            part.insert(way, leaf);
        }
    }

    /// Puts the items of arrays into their order.
    fn sort(&mut self, paths: &Paths) {
        let Self::Inside(parts) = self else { return };
        parts.sort_by_key(|(path, _)| match paths.node(*path).step {
            Step::Index(index) => index,
            _ => 0,
        });
        parts.iter_mut().for_each(|(_, part)| part.sort(paths));
    }
}

/// Whether these are the items of an array.
pub(crate) fn is_array(paths: &Paths, parts: &[(PathId, Part)]) -> bool {
    parts.first().is_some_and(|(path, _)| matches!(paths.node(*path).step, Step::Index(_)))
}

/// The steps from the entry to a leaf.
fn way_to(paths: &Paths, leaf: PathId) -> Vec<PathId> {
    let mut way: Vec<PathId> = std::iter::successors(Some(leaf), |path| Some(paths.node(*path).parent))
        .take_while(|path| *path != ROOT)
        .collect();
    way.reverse();
    way
}
