//! How the program ends. The codes are a contract.

use rushhour_report::result::Verdict;

use crate::output;

/// What the exit code says, the worse the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// The run failed, or input or output did.
    Failed,
    /// Bad arguments, or a file that does not parse.
    Usage,
    /// A limit was breached, or the target saturated.
    Breached,
    /// Worse than the baseline by more than the tolerance.
    Regressed,
    /// The generator or a noisy machine decided the numbers.
    Invalid,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Breached => 3,
            Self::Regressed => 4,
            Self::Invalid => 5,
            Self::Interrupted => 130,
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Done,
            Verdict::Fail | Verdict::Saturated => Self::Breached,
            Verdict::Invalid => Self::Invalid,
            Verdict::Interrupted => Self::Interrupted,
        }
    }
}

/// Why a subcommand could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for cannot be.
    Usage(anyhow::Error),
    /// It was tried and failed.
    Failed(anyhow::Error),
}

impl Failure {
    /// What went wrong, for whom it makes no difference whose mistake it was.
    pub(crate) fn into_error(self) -> anyhow::Error {
        let (Self::Usage(error) | Self::Failed(error)) = self;
        error
    }

    /// Tells the person and gives the exit code.
    pub(crate) fn tell(self) -> Exit {
        let (error, exit) = match self {
            Self::Usage(error) => (error, Exit::Usage),
            Self::Failed(error) => (error, Exit::Failed),
        };
        output::say(&format!("error: {error:#}"));
        exit
    }
}

impl From<anyhow::Error> for Failure {
    /// Whatever is not named usage where it is noticed is a failure.
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}
