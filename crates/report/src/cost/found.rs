//! What was found on a machine, beside what the costs of a day predict for it.

use crate::capacity::{Capacity, Unit};
use crate::cost::table::{Known, TableOrder};
use crate::cost::{Deployment, Figure, Headroom, Resource, Supported, bounds, first_to_give_way};
use crate::volume::Volume;

/// A study's length may differ so much from a row's, as a share of it, to say something of it.
const LENGTH_OFF_MAX: f64 = 0.25;

/// A capacity that was searched for, in users, with nothing to spare.
#[derive(Clone, Debug, PartialEq)]
pub struct Searched {
    /// On which instance.
    pub instance: String,
    /// With which disk.
    pub volume: Volume,
    /// Whether another machine was held to its measure.
    pub is_emulated: bool,
    /// How many users.
    pub users: Figure,
}

impl Searched {
    /// What a search over phones found, at least a [bracket](Capacity::bracket); `None` when it found nothing, or was over
    /// requests.
    pub fn new(instance: &str, volume: Volume, is_emulated: bool, capacity: &Capacity) -> Option<Self> {
        let (low, high) = capacity.bracket().filter(|_| capacity.plan.unit == Unit::Phones)?;
        let users = Figure { value: low, low, high };
        Some(Self { instance: instance.to_owned(), volume, is_emulated, users })
    }
}

/// A disk that a study filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    /// On which instance.
    pub instance: String,
    /// Which disk.
    pub volume: Volume,
    /// How many people there were.
    pub people: u32,
    /// How many days of each it held.
    pub days: u32,
}

/// How much more the costs of a day predict than was found, without headroom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictionError {
    /// Of what gave way.
    pub of: Resource,
    /// As a share of what was found.
    pub ratio: f64,
}

/// What a search says of a row, if it says it: a search lasts minutes, in which few people live quickly, so it sees neither
/// a disk fill nor the memory of many, and where one of these gives way first, the row stays predicted. What was found is
/// taken times the headroom of what gives way instead.
pub(super) fn confirmed(
    order: &TableOrder<'_>,
    deployment: &Deployment<'_>,
    searched: &Searched,
    predicted: &Supported,
) -> Option<(Supported, Known)> {
    let (binding, _) = first_searchable(bounds(deployment, 1.0, order.cost, &order.headroom))?;
    let users = searched.users.times(order.headroom.of(binding));
    let unseen = || predicted.bounds.iter().filter(|(resource, _)| !is_searchable(*resource));
    if unseen().any(|(_, bound)| bound.value < users.value) {
        return None;
    }
    let bounds = std::iter::once((binding, users)).chain(unseen().copied()).collect();
    let known = if searched.is_emulated { Known::Emulated } else { Known::Measured };
    Some((first_to_give_way(bounds)?, known))
}

/// How far the prediction of a row is off: of its disk where that gives way first and a study of such a length filled it, else of
/// what a search met.
pub(super) fn prediction_error(
    order: &TableOrder<'_>,
    deployment: &Deployment<'_>,
    days: f64,
    binding: Resource,
) -> Option<PredictionError> {
    let is_here = |instance: &str, volume: &Volume| instance == deployment.instance.name && volume == deployment.volume;
    let is_such = |filled: &&Filled| {
        is_here(&filled.instance, &filled.volume) && (f64::from(filled.days) / days - 1.0).abs() <= LENGTH_OFF_MAX
    };
    let filled = order.filled.iter().filter(|_| binding == Resource::Disk).find(is_such);
    let searched = order.searches.iter().find(|searched| is_here(&searched.instance, &searched.volume));
    let brim = |days: f64| bounds(deployment, days, order.cost, &Headroom::NONE);
    let (of, predicted, found) = match (filled, searched) {
        (Some(filled), _) => {
            let bounds = brim(filled.days.into());
            let (_, disk) = bounds.into_iter().find(|(resource, _)| *resource == Resource::Disk)?;
            (Resource::Disk, disk, f64::from(filled.people))
        }
        (None, Some(searched)) => {
            let (of, predicted) = first_searchable(brim(1.0))?;
            (of, predicted, searched.users.value)
        }
        (None, None) => return None,
    };
    Some(PredictionError { of, ratio: predicted.value / found - 1.0 })
}

/// Whether people who live quickly for some minutes need as much of it as so many more who do not.
fn is_searchable(resource: Resource) -> bool {
    !matches!(resource, Resource::Disk | Resource::Memory)
}

fn first_searchable(bounds: Vec<(Resource, Figure)>) -> Option<(Resource, Figure)> {
    bounds.into_iter().find(|(resource, _)| is_searchable(*resource))
}
