//! Chapters that were found again lately, so that who asks for them once more does not wait for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use rushhour_model::ids::UserId;
use rushhour_pipeline::chapter::Chapter;
use rushhour_pipeline::leg::{Leg, TrackPoint};
use rushhour_store::ChapterKey;

/// Whose chapter, where it stands, and its digest: a chapter that is written anew has another one, so nothing here is
/// ever out of date.
pub(super) type Name = (UserId, ChapterKey, u32);

/// A bounded number of bytes of chapters; those that nobody asked for the longest go first.
#[derive(Debug)]
pub struct Recent {
    bytes_max: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    chapters: HashMap<Name, Kept>,
    /// By when they were asked for last.
    order: BTreeMap<u64, Name>,
    asked: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    chapter: Arc<Chapter>,
    bytes: usize,
    asked: u64,
}

impl Recent {
    /// Room for about `bytes_max` bytes; none for 0.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, shelf: Mutex::default() }
    }

    pub(super) fn get(&self, name: &Name) -> Option<Arc<Chapter>> {
        let mut shelf = self.shelf.lock().expect("no holder panics");
        let Shelf { chapters, order, asked, .. } = &mut *shelf;
        let kept = chapters.get_mut(name)?;
        *asked += 1;
        order.remove(&kept.asked);
        order.insert(*asked, *name);
        kept.asked = *asked;
        Some(Arc::clone(&kept.chapter))
    }

    pub(super) fn put(&self, name: Name, chapter: Arc<Chapter>) {
        let bytes = bytes_of(&chapter);
        if bytes > self.bytes_max {
            return;
        }
        let mut shelf = self.shelf.lock().expect("no holder panics");
        shelf.remove(&name);
        while shelf.bytes + bytes > self.bytes_max {
            let Some((_, oldest)) = shelf.order.first_key_value() else { break };
            let oldest = *oldest;
            shelf.remove(&oldest);
        }
        shelf.asked += 1;
        let asked = shelf.asked;
        shelf.bytes += bytes;
        shelf.order.insert(asked, name);
        shelf.chapters.insert(name, Kept { chapter, bytes, asked });
    }
}

impl Shelf {
    fn remove(&mut self, name: &Name) {
        if let Some(kept) = self.chapters.remove(name) {
            self.order.remove(&kept.asked);
            self.bytes -= kept.bytes;
        }
    }
}

/// About how much memory a chapter takes: its points, its inputs, and a guess for all that is around them.
fn bytes_of(chapter: &Chapter) -> usize {
    const AROUND_LEG: usize = 1024;
    let points = |leg: &Leg| -> usize {
        let sections = leg.cleaned.iter().flat_map(|cleaned| &cleaned.sections);
        sections.map(|section| section.points.len() * (size_of::<TrackPoint>() + 2 * size_of::<f64>())).sum()
    };
    let inputs: usize = chapter.inputs.iter().map(|input| input.entry.len() + AROUND_LEG).sum();
    let legs: usize = chapter.legs.iter().map(|leg| points(leg) + AROUND_LEG).sum();
    AROUND_LEG + legs + inputs
}

#[cfg(test)]
mod tests {
    use rushhour_pipeline::chapter::Opening;

    use super::*;

    #[test]
    fn what_nobody_asked_for_the_longest_goes_first() {
        let user = UserId(Default::default());
        let name = |number: u32| (user, ChapterKey::FIRST, number);
        let chapter = Arc::new(Chapter::empty(Opening::first()));
        let recent = Recent::new(3 * bytes_of(&chapter));
        for number in 0..3 {
            recent.put(name(number), Arc::clone(&chapter));
        }
        assert!(recent.get(&name(0)).is_some());
        recent.put(name(3), Arc::clone(&chapter));
        let left: Vec<u32> = (0..4).filter(|number| recent.get(&name(*number)).is_some()).collect();
        assert_eq!(left, [0, 2, 3]);
        let nothing = Recent::new(0);
        nothing.put(name(0), chapter);
        assert!(nothing.get(&name(0)).is_none());
    }
}
