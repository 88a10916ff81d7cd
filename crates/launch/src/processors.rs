//! Which processors a target gets, and which are left to the generator: whole cores, so that neither's hyperthreads share
//! one with the other's.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors of this machine that may be used, as cores: each with its hyperthreads.
pub(crate) fn cores() -> Result<Vec<Vec<usize>>> {
    let allowed = sched_getaffinity(None).context("asking which processors may be used")?;
    let mut cores: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for processor in (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor)) {
        let siblings = format!("/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list");
        // Where the system does not tell, a processor is a core.
        let core = fs::read_to_string(siblings).unwrap_or_else(|_| processor.to_string());
        cores.entry(core).or_default().push(processor);
    }
    let mut cores: Vec<_> = cores.into_values().collect();
    cores.sort();
    Ok(cores)
}

/// The processors of a target and of the generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// The last of them: the first ones are where a machine's interrupts usually go.
    pub(crate) target: Vec<usize>,
    /// The others.
    pub(crate) generator: Vec<usize>,
}

/// Takes `wanted` of `cores` for the target. At least one is left.
pub(crate) fn split(cores: &[Vec<usize>], wanted: f64) -> Result<Split> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked against the machine's below")]
    let taken = wanted.ceil() as usize;
    let left = cores.len().saturating_sub(1);
    if taken > left {
        bail!(
            "the target is to have {wanted} cores, and this machine has {} of which one is the generator's: it can emulate up to {left}; \
             what larger machines carry is extrapolated by `rushhour capacity table`",
            cores.len()
        );
    }
    let (generator, target) = cores.split_at(cores.len() - taken);
    Ok(Split { target: target.concat(), generator: generator.concat() })
}

/// Keeps the calling thread, and the threads it starts, to some processors until dropped.
#[derive(Debug)]
pub(crate) struct Kept {
    before: CpuSet,
}

impl Kept {
    /// Keeps the calling thread to `processors`.
    pub(crate) fn to(processors: &[usize]) -> Result<Self> {
        let before = sched_getaffinity(None).context("asking which processors may be used")?;
        let mut set = CpuSet::new();
        processors.iter().for_each(|processor| set.set(*processor));
        sched_setaffinity(None, &set).with_context(|| format!("keeping to the processors {processors:?}"))?;
        Ok(Self { before })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // It was allowed before.
        let _ = sched_setaffinity(None, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_and_the_generator_share_no_core() {
        let four = [vec![0, 4], vec![1, 5], vec![2, 6], vec![3, 7]];
        let halves = split(&four, 2.0).unwrap();
        assert_eq!(halves, Split { target: vec![2, 6, 3, 7], generator: vec![0, 4, 1, 5] });
        assert_eq!(split(&four, 0.5).unwrap().target, [3, 7]);
        assert_eq!(split(&four, 2.5).unwrap().generator, [0, 4]);
    }

    #[test]
    fn a_machine_that_is_too_small_says_what_it_can_emulate() {
        let error = split(&[vec![0], vec![1]], 4.0).unwrap_err().to_string();
        assert!(error.contains("4 cores, and this machine has 2") && error.contains("up to 1;"), "{error}");
    }

    #[test]
    fn a_thread_is_kept_until_the_end() {
        let cores = cores().unwrap();
        let all: Vec<_> = cores.concat();
        let first = &all[..1];
        let kept = Kept::to(first).unwrap();
        assert_eq!(super::cores().unwrap().concat(), first);
        drop(kept);
        assert_eq!(super::cores().unwrap().concat(), all);
    }
}
