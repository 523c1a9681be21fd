//! A classifier with one class a mnemonic: few ids and few routines, which read their operands from the instruction at
//! the site.

use patchbay_plugin_api::prelude::*;

/// The classifier. The setting `leave` lists mnemonics to leave to the conventional path, separated by `|`.
pub struct ClassifyMnemonic {
    left: Vec<Mnemonic>,
}

impl Plugin for ClassifyMnemonic {
    const NAME: &'static str = "classify-mnemonic";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DESCRIPTION: &'static str = "one class a mnemonic: few classes, operands found at run time";

    fn create(config: &str, _: &Host) -> Result<Self, String> {
        let mut settings = Settings::new(config)?;
        let leave: String = settings.get("leave", String::new())?;
        settings.done()?;
        let names = leave.split('|').map(str::trim).filter(|name| !name.is_empty());
        let left = names.map(|name| {
            let mnemonic = Mnemonic::ALL.iter().find(|mnemonic| mnemonic.name() == name);
            mnemonic.copied().ok_or_else(|| format!("leave names {name:?}, which is no mnemonic"))
        });
        Ok(ClassifyMnemonic { left: left.collect::<Result<_, _>>()? })
    }
}

impl Classifier for ClassifyMnemonic {
    fn classify(&self, instruction: &Instruction, _: &Site) -> Option<ClassKey> {
        let mnemonic = instruction.mnemonic()?;
        (!self.left.contains(&mnemonic)).then(|| ClassKey::new(instruction, Attributes::NONE))
    }
}

patchbay_plugin_api::export_plugins! {
    statics: none,
    classifiers: [ClassifyMnemonic],
}
