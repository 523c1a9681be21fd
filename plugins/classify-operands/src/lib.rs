//! A classifier that tells instructions apart by every operand that they have, so that each routine is specialised to
//! its registers and immediates. Where an instruction stands makes no difference, unless a setting says so.

use patchbay_plugin_api::prelude::*;

/// The classifier. Settings: `slot`, `unit` and `banked`, each true or false, tell more apart.
pub struct ClassifyOperands {
    besides: Attributes,
}

impl Plugin for ClassifyOperands {
    const NAME: &'static str = "classify-operands";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str =
        "every operand apart: many classes, routines specialised to registers and immediates";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let mut besides = Attributes::NONE;
        for (name, attribute) in
            [("slot", Attributes::SLOT), ("unit", Attributes::UNIT), ("banked", Attributes::BANKED)]
        {
            if settings.get(name, false)? {
                besides = besides.and(attribute);
            }
        }
        settings.done()?;
        Ok(ClassifyOperands { besides })
    }

    fn tunables() -> Vec<Tunable> {
        ["slot", "unit", "banked"].map(|name| Tunable::new(name, [false, true])).into()
    }
}

impl Classifier for ClassifyOperands {
    fn classify(&self, instruction: &Instruction, _: &Site) -> Option<ClassKey> {
        let operands = instruction.mnemonic()?.operands();
        Some(ClassKey::new(instruction, operands.and(self.besides)))
    }
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    classifiers: [ClassifyOperands],
}
