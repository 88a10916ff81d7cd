//! A contraction hierarchy as it is quickly searched: nodes numbered by importance, so that those which every search meets
//! lie close together, and in numbers of 32 bits.
//!
//! `fast_paths` prepares it. Its own search takes a third longer, because it finds nodes and edges all over the memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fast_paths::FastGraph;
use serde::Deserialize;

/// A hierarchy. Its nodes are *ranks*: the higher, the more important.
#[derive(Debug)]
pub(super) struct Hierarchy {
    /// The rank of each node, and the node of each rank.
    ranks: Vec<u32>,
    nodes: Vec<u32>,
    /// The ways up out of each rank, and those from above into it.
    sides: [Side; 2],
}

/// The edges of each rank to higher ones, in one direction.
#[derive(Debug)]
struct Side {
    /// Where the edges of each rank begin; one more than there are ranks.
    firsts: Vec<u32>,
    edges: Vec<Edge>,
    origins: Vec<Origin>,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    /// The higher rank.
    to: u32,
    weight: u32,
}

/// What an edge was made from.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// A street, which one leaves at this rank.
    Street { end: u32 },
    /// An edge into a less important rank, and one out of it.
    Shortcut { into: u32, out: u32 },
}

const OUT: usize = 0;
const INTO: usize = 1;

/// What is searched with, again and again.
#[derive(Debug)]
pub(super) struct Search {
    /// Of the search from the start, and of that from the end.
    labels: [Vec<Label>; 2],
    heaps: [BinaryHeap<Reverse<u64>>; 2],
    /// Labels of earlier rounds are void.
    round: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Label {
    round: u32,
    weight: u32,
    /// The rank it was reached from, and along which edge.
    parent: u32,
    edge: u32,
}

const NO_EDGE: u32 = u32::MAX;

/// What `fast_paths` says of a graph to whoever stores it, in its order.
#[derive(Deserialize)]
struct Stored {
    _num_nodes: usize,
    ranks: Vec<u32>,
    edges_fwd: Vec<StoredEdge>,
    first_edge_ids_fwd: Vec<u32>,
    edges_bwd: Vec<StoredEdge>,
    first_edge_ids_bwd: Vec<u32>,
}

#[derive(Deserialize)]
struct StoredEdge {
    base_node: u32,
    adj_node: u32,
    weight: u32,
    /// The largest number of all when there is none.
    replaced_in_edge: u64,
    replaced_out_edge: u64,
}

impl From<&FastGraph> for Hierarchy {
    fn from(graph: &FastGraph) -> Self {
        let bytes = postcard::to_stdvec(graph).expect("numbers and lists can be written");
        let stored: Stored = postcard::from_bytes(&bytes).expect("a network has fewer nodes than numbers of 32 bits");
        let Stored { ranks, edges_fwd, first_edge_ids_fwd, edges_bwd, first_edge_ids_bwd, .. } = stored;
        let mut nodes = vec![0; ranks.len()];
        for (node, &rank) in (0..).zip(&ranks) {
            *nodes.get_mut(rank as usize).expect("ranks are those of the nodes") = node;
        }
        let out = Side::new(first_edge_ids_fwd, &edges_fwd, &ranks, |edge| edge.adj_node);
        let into = Side::new(first_edge_ids_bwd, &edges_bwd, &ranks, |edge| edge.base_node);
        Self { ranks, nodes, sides: [out, into] }
    }
}

impl Side {
    fn new(firsts: Vec<u32>, stored: &[StoredEdge], ranks: &[u32], end: impl Fn(&StoredEdge) -> u32) -> Self {
        let rank = |node: u32| *ranks.get(node as usize).expect("every node has a rank");
        let edges = stored.iter().map(|edge| Edge { to: rank(edge.adj_node), weight: edge.weight }).collect();
        let origin = |edge: &StoredEdge| match [edge.replaced_in_edge, edge.replaced_out_edge].map(u32::try_from) {
            [Ok(into), Ok(out)] => Origin::Shortcut { into, out },
            _ => Origin::Street { end: rank(end(edge)) },
        };
        Self { firsts, edges, origins: stored.iter().map(origin).collect() }
    }

    /// The edges of a rank, with their numbers.
    #[expect(clippy::indexing_slicing, reason = "ranks are those of the hierarchy; this is where the time goes")]
    fn edges(&self, rank: u32) -> impl Iterator<Item = (u32, Edge)> {
        let (first, last) = (self.firsts[rank as usize], self.firsts[rank as usize + 1]);
        (first..last).zip(self.edges[first as usize..last as usize].iter().copied())
    }
}

impl Hierarchy {
    /// The nodes of an edge in the direction of travel, without the first one.
    fn unpack(&self, side: usize, edge: u32, out: &mut Vec<u32>) {
        let origin = self.sides.get(side).and_then(|side| side.origins.get(edge as usize));
        match *origin.expect("edges are made of edges") {
            Origin::Street { end } => out.push(*self.nodes.get(end as usize).expect("each rank has a node")),
            Origin::Shortcut { into, out: onward } => {
                self.unpack(INTO, into, out);
                self.unpack(OUT, onward, out);
            }
        }
    }
}

impl Search {
    /// For hierarchies of so many nodes.
    pub(super) fn new(nodes: usize) -> Self {
        Self { labels: [(); 2].map(|()| vec![Label::default(); nodes]), heaps: Default::default(), round: 0 }
    }

    /// The nodes of the way of the least weight from one node to another, without the first one; none when there is none.
    pub(super) fn path(&mut self, hierarchy: &Hierarchy, from: u32, to: u32) -> Option<Vec<u32>> {
        if self.round == u32::MAX {
            *self = Self::new(hierarchy.nodes.len());
        }
        self.round += 1;
        for (side, node) in [(OUT, from), (INTO, to)] {
            let rank = *hierarchy.ranks.get(node as usize).expect("a node of the network");
            self.reach(side, rank, Label { round: self.round, weight: 0, parent: rank, edge: NO_EDGE });
        }
        let meeting = self.meet(hierarchy)?;
        let mut up = Vec::new();
        self.climb(OUT, meeting, |edge| up.push(edge));
        let mut nodes = Vec::new();
        up.iter().rev().for_each(|&edge| hierarchy.unpack(OUT, edge, &mut nodes));
        self.climb(INTO, meeting, |edge| hierarchy.unpack(INTO, edge, &mut nodes));
        Some(nodes)
    }

    /// Searches up from both ends. Tells where the ways up meet that are the shortest together.
    fn meet(&mut self, hierarchy: &Hierarchy) -> Option<u32> {
        let (mut least, mut meeting) = (u32::MAX, None);
        while self.heaps.iter().any(|heap| !heap.is_empty()) {
            for side in [OUT, INTO] {
                let Some((weight, rank)) = self.next(side) else { continue };
                if weight >= least {
                    // All others are further away.
                    self.heap(side).clear();
                    continue;
                }
                if let Some(rest) = self.weight(1 - side, rank)
                    && weight + rest < least
                {
                    (least, meeting) = (weight + rest, Some(rank));
                }
                self.expand(hierarchy, side, weight, rank);
            }
        }
        meeting
    }

    /// Goes on from a rank, unless there is a shorter way to it over a higher one: then it is on no shortest way.
    #[expect(clippy::indexing_slicing, reason = "there are two sides")]
    fn expand(&mut self, hierarchy: &Hierarchy, side: usize, weight: u32, rank: u32) {
        let is_detour = |(_, edge): (u32, Edge)| {
            self.weight(side, edge.to).is_some_and(|above| above.saturating_add(edge.weight) < weight)
        };
        if hierarchy.sides[1 - side].edges(rank).any(is_detour) {
            return;
        }
        for (number, edge) in hierarchy.sides[side].edges(rank) {
            let weight = weight + edge.weight;
            if self.weight(side, edge.to).is_none_or(|known| weight < known) {
                self.reach(side, edge.to, Label { round: self.round, weight, parent: rank, edge: number });
            }
        }
    }

    /// The nearest rank that was reached and not looked at.
    fn next(&mut self, side: usize) -> Option<(u32, u32)> {
        while let Some(Reverse(item)) = self.heap(side).pop() {
            #[expect(clippy::cast_possible_truncation, reason = "an item is two numbers of 32 bits")]
            let (weight, rank) = ((item >> 32) as u32, item as u32);
            if self.weight(side, rank) == Some(weight) {
                return Some((weight, rank));
            }
        }
        None
    }

    fn reach(&mut self, side: usize, rank: u32, label: Label) {
        self.heap(side).push(Reverse(u64::from(label.weight) << 32 | u64::from(rank)));
        *self.label(side, rank) = label;
    }

    /// Tells the edges from a rank down to where the search began.
    fn climb(&mut self, side: usize, meeting: u32, mut tell: impl FnMut(u32)) {
        let mut label = *self.label(side, meeting);
        while label.edge != NO_EDGE {
            tell(label.edge);
            label = *self.label(side, label.parent);
        }
    }

    #[expect(clippy::indexing_slicing, reason = "ranks are those of the hierarchy; this is where the time goes")]
    fn weight(&self, side: usize, rank: u32) -> Option<u32> {
        let label = &self.labels[side][rank as usize];
        (label.round == self.round).then_some(label.weight)
    }

    #[expect(clippy::indexing_slicing, reason = "ranks are those of the hierarchy")]
    fn label(&mut self, side: usize, rank: u32) -> &mut Label {
        &mut self.labels[side][rank as usize]
    }

    #[expect(clippy::indexing_slicing, reason = "there are two sides")]
    fn heap(&mut self, side: usize) -> &mut BinaryHeap<Reverse<u64>> {
        &mut self.heaps[side]
    }
}

#[cfg(test)]
mod tests {
    use fast_paths::InputGraph;
    use rand::RngExt;

    use super::*;
    use crate::draws::{Subject, draws};

    #[test]
    fn ways_weigh_what_those_of_the_library_weigh() {
        let mut rng = draws(1, 2, 3, Subject::Region);
        let nodes = 300;
        let mut input = InputGraph::new();
        let mut weights = std::collections::BTreeMap::new();
        for _ in 0..900 {
            let (from, to) = (rng.random_range(0..nodes), rng.random_range(0..nodes));
            let weight = rng.random_range(1..1_000);
            if from != to && !weights.contains_key(&(from, to)) {
                weights.insert((from, to), weight);
                input.add_edge(from, to, weight);
            }
        }
        input.freeze();
        let graph = fast_paths::prepare(&input);
        let hierarchy = Hierarchy::from(&graph);
        let nodes = graph.get_num_nodes();
        let (mut search, mut calculator) = (Search::new(nodes), fast_paths::create_calculator(&graph));
        let mut found = 0;
        for _ in 0..2_000 {
            let [from, to] = [(); 2].map(|()| rng.random_range(0..nodes));
            let known = calculator.calc_path(&graph, from, to).map(|path| path.get_weight());
            let number = |node: usize| u32::try_from(node).unwrap();
            let path = search.path(&hierarchy, number(from), number(to));
            let weight = path.map(|path| {
                let stops: Vec<usize> = [from].into_iter().chain(path.iter().map(|&node| node as usize)).collect();
                assert_eq!(stops.last(), Some(&to));
                stops.windows(2).map(|pair| weights[&(pair[0], pair[1])]).sum()
            });
            assert_eq!(weight, known, "{from} to {to}");
            found += u32::from(weight.is_some());
        }
        assert!(found > 500, "{found}");
    }
}
