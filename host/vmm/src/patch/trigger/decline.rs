//! Why a trigger cannot be placed at a site.

use serde::Serialize;

macro_rules! declines {
    ($($name:ident $key:literal $text:literal,)*) => {
        /// Why a trigger cannot be placed at a site.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, thiserror::Error)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum Decline {
            $(
                #[doc = concat!("A reason: ", $text, ".")]
                #[error($text)]
                $name,
            )*
        }

        impl Decline {
            /// All reasons.
            pub const ALL: &[Decline] = &[$(Decline::$name,)*];

            /// Its name in statistics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Decline::$name => $key,)* }
            }
        }
    };
}

declines! {
    Unit "unit" "only an M slot takes it",
    Template "template" "no template has the slots before it and a branch",
    Stop "stop" "the stop after a slot before it would be lost",
    OutOfReach "out_of_reach" "it is too far from the window, or an IP-relative instruction of its bundle would be",
    Call "call" "a call of its bundle would show the window in its link",
    Epc "epc" "the privilege that an epc of its bundle grants is decided by the page it stands in",
    WindowFull "window_full" "the window is full",
    Encoding "encoding" "the unit has no encoding for it",
    Unknown "unknown" "the host does not know it",
}

impl Decline {
    /// The reason with this number.
    #[must_use]
    pub fn new(number: u8) -> Option<Decline> {
        Decline::ALL.get(usize::from(number)).copied()
    }
}
