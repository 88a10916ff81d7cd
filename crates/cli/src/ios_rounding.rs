//! What sealed entries of iOS are rounded to, as the commands take it.

use clap::ValueEnum;

/// What sealed entries of iOS are rounded to: nothing, or a centimetre and a millisecond
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum IosRounding {
    /// They are kept to the bit
    Off,
    /// Below a centimetre and a millisecond is noise; without it they take a quarter less, or half
    #[value(name = "1cm")]
    Centimetre,
}

impl From<IosRounding> for rushhour_store::IosRounding {
    fn from(rounding: IosRounding) -> Self {
        match rounding {
            IosRounding::Off => Self::Off,
            IosRounding::Centimetre => Self::Centimetre,
        }
    }
}
