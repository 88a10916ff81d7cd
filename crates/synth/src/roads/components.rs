//! Who can get to whom: strongly connected components (Kosaraju and Sharir).

use super::rows::Rows;

/// Which nodes are in the largest set of nodes that can all get to one another.
pub(crate) fn largest(nodes: usize, arcs: &[(u32, u32)]) -> Vec<bool> {
    let forward = Rows::new(nodes, arcs.to_vec());
    let backward = Rows::new(nodes, arcs.iter().map(|&(from, to)| (to, from)).collect());
    let mut seen = vec![false; nodes];
    let mut best = Vec::new();
    for root in finishing_order(nodes, &forward).into_iter().rev() {
        let component = flood(root, &backward, &mut seen);
        if component.len() > best.len() {
            best = component;
        }
    }
    let mut is_in = vec![false; nodes];
    best.into_iter().for_each(|node| _ = mark(&mut is_in, node));
    is_in
}

/// The nodes in the order in which a depth-first search is done with them.
fn finishing_order(nodes: usize, forward: &Rows<u32>) -> Vec<u32> {
    let mut seen = vec![false; nodes];
    let mut order = Vec::with_capacity(nodes);
    let mut stack: Vec<(u32, usize)> = Vec::new();
    for root in (0..).take(nodes) {
        if mark(&mut seen, root) {
            stack.push((root, 0));
        }
        while let Some((node, next)) = stack.last_mut() {
            let to = forward.row(*node).get(*next).copied();
            *next += 1;
            match to {
                Some(to) if mark(&mut seen, to) => stack.push((to, 0)),
                Some(_) => {}
                None => {
                    order.push(*node);
                    stack.pop();
                }
            }
        }
    }
    order
}

/// Everything not yet seen that can be reached from `root`.
fn flood(root: u32, arcs: &Rows<u32>, seen: &mut [bool]) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    if mark(seen, root) {
        found.push(root);
    }
    let mut next = 0;
    while let Some(&node) = found.get(next) {
        found.extend(arcs.row(node).iter().filter(|&&to| mark(seen, to)));
        next += 1;
    }
    found
}

/// Marks a node as seen; whether it was not yet.
fn mark(seen: &mut [bool], node: u32) -> bool {
    seen.get_mut(node as usize).is_some_and(|seen| !std::mem::replace(seen, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_out_is_no_way_back() {
        // 0 → 1 → 2 → 0 is a round; 3 and 4 are a pair; 2 → 3 leads there and not back; 5 is alone.
        let arcs = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 3)];
        assert_eq!(largest(6, &arcs), [true, true, true, false, false, false]);
    }
}
