//! Places: where a leg ends and the next starts. While nothing has left it, a place is open.

use rushhour_model::extended_json::ObjectId;
use serde::{Deserialize, Serialize};

use crate::ids::id_of;
use crate::leg::Leg;
use crate::moment::Spot;
use crate::position::Position;
use crate::resampling::Known;
use crate::trips::Method;

/// Where a leg touches a place: what is known of the place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// When and where.
    pub spot: Spot,
    /// Metres above the ellipsoid.
    pub altitude: f64,
    /// The leg.
    pub leg: ObjectId,
    /// Whether the leg was observed.
    pub is_tracked: bool,
    /// The rules that found the leg.
    pub method: Method,
    /// When the phone wrote what showed it, in seconds since 1970.
    pub found_ts: f64,
}

impl Touch {
    /// Where `leg` touches a place.
    pub(crate) fn of(leg: &Leg, spot: &Spot, altitude: f64) -> Self {
        Self {
            spot: spot.clone(),
            altitude,
            leg: leg.id,
            is_tracked: leg.is_tracked,
            method: leg.method,
            found_ts: leg.found_ts,
        }
    }
}

/// A place that nothing has left yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OpenPlace {
    /// Nothing is known: no leg has been observed.
    Unknown,
    /// The first leg of all leaves it.
    Left(Touch),
    /// A leg leads to it.
    Entered(Touch),
}

impl OpenPlace {
    /// The leg that leads to it.
    pub fn entered(&self) -> Option<&Touch> {
        match self {
            Self::Entered(touch) => Some(touch),
            Self::Left(_) | Self::Unknown => None,
        }
    }

    /// What is known of it.
    pub(crate) fn touch(&self) -> Option<&Touch> {
        match self {
            Self::Entered(touch) | Self::Left(touch) => Some(touch),
            Self::Unknown => None,
        }
    }

    /// The id of the document of this key that tells of it.
    pub(crate) fn id(&self, key: &str) -> ObjectId {
        match self {
            Self::Entered(touch) => id_of(touch.leg, key, 0),
            Self::Left(touch) => id_of(touch.leg, key, 1),
            Self::Unknown => ObjectId([0; 12]),
        }
    }

    /// When it was entered, in seconds since 1970.
    pub fn enter_ts(&self) -> Option<f64> {
        self.entered().map(|touch| touch.spot.ts())
    }

    /// Where it is.
    pub fn at(&self) -> Option<Position> {
        self.touch().map(|touch| touch.spot.at)
    }

    /// The point from which a trip that leaves it is led.
    pub(crate) fn door(&self) -> Option<Known> {
        let touch = self.touch()?;
        Some(Known {
            ts: touch.spot.ts(),
            at: touch.spot.at,
            // The original knows no altitude where it only knows how a place was left.
            altitude: self.entered().map_or(0.0, |entered| entered.altitude),
            zone: touch.spot.moment.zone.clone(),
        })
    }
}
