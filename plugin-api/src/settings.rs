//! The settings of a plugin.

use core::str::FromStr;

use crate::patch_manager::{Decision, Trigger};

/// Reads a configuration: `name = value` pairs, one a line or separated by commas or semicolons, as the tables of policy
/// files and the command line give them. Quotes around a value do not count.
///
/// ```
/// use patchbay_plugin_api::settings::Settings;
///
/// let mut settings = Settings::new("threshold = 16\ntrigger = \"break\"")?;
/// let threshold: u64 = settings.get("threshold", 8)?;
/// let trigger: String = settings.get("trigger", "break".into())?;
/// settings.done()?;
/// assert_eq!((threshold, trigger.as_str()), (16, "break"));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug)]
pub struct Settings<'a> {
    pairs: Vec<(&'a str, &'a str)>,
    known: Vec<&'static str>,
}

impl<'a> Settings<'a> {
    /// Reads a configuration string.
    ///
    /// # Errors
    /// A sentence about the first line that is not a pair.
    pub fn new(config: &'a str) -> Result<Settings<'a>, String> {
        let mut pairs = Vec::new();
        for line in lines(config) {
            let (name, value) = line.split_once('=').ok_or(format!("setting {line:?} is not a name = value pair"))?;
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if pairs.iter().any(|&(other, _)| other == name) {
                return Err(format!("setting {name} is given twice"));
            }
            pairs.push((name, value));
        }
        Ok(Settings { pairs, known: Vec::new() })
    }

    /// The value of a setting, or its default. Integers may be hexadecimal, after `0x`.
    ///
    /// # Errors
    /// A sentence if the value is not of the type.
    pub fn get<T: FromStr>(&mut self, name: &'static str, default: T) -> Result<T, String> {
        self.known.push(name);
        match self.pairs.iter().find(|(other, _)| *other == name) {
            None => Ok(default),
            Some((_, value)) => {
                let digits = value.strip_prefix("0x").filter(|_| kind::<T>() == "number");
                let decimal =
                    digits.and_then(|digits| u128::from_str_radix(digits, 16).ok()).map(|value| value.to_string());
                decimal
                    .as_deref()
                    .unwrap_or(value)
                    .parse()
                    .map_err(|_| format!("setting {name} cannot be {value:?}: it is a {}", kind::<T>()))
            }
        }
    }

    /// The decision to patch: `trigger`, the name of one of [`Trigger::ALL`]; and `then`, resume or run.
    ///
    /// # Errors
    /// A sentence if one of them is something else.
    pub fn decision(&mut self) -> Result<Decision, String> {
        let trigger = self.trigger("trigger", Trigger::BREAK)?;
        let then: String = self.get("then", "resume".to_owned())?;
        match &*then {
            "resume" => Ok(Decision::patch(trigger)),
            "run" => Ok(Decision::patch(trigger).run_on_behalf()),
            _ => Err(format!("setting then cannot be {then:?}: it is one of resume, run")),
        }
    }

    /// The trigger that a setting names, or its default.
    ///
    /// # Errors
    /// A sentence if it is not the name of one.
    pub fn trigger(&mut self, name: &'static str, default: Trigger) -> Result<Trigger, String> {
        let given: String = self.get(name, default.name().unwrap_or("none").to_owned())?;
        let names = || Trigger::ALL.map(|(_, name)| name).join(", ");
        Trigger::named(&given).ok_or_else(|| format!("setting {name} cannot be {given:?}: it is one of {}", names()))
    }

    /// Refuses settings that were never asked for.
    ///
    /// # Errors
    /// A sentence about the first of them.
    pub fn done(self) -> Result<(), String> {
        match self.pairs.iter().find(|(name, _)| !self.known.contains(name)) {
            None => Ok(()),
            Some((name, _)) if self.known.is_empty() => Err(format!("there is no setting {name}, nor any other")),
            Some((name, _)) => Err(format!("there is no setting {name}; there are {}", self.known.join(", "))),
        }
    }
}

/// The lines of a configuration that are to be pairs: without empty ones and comments.
pub fn lines(config: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let separates = move |c| {
        quoted ^= c == '"';
        c == '\n' || !quoted && matches!(c, ',' | ';')
    };
    config.split(separates).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The last part of the name of a type.
fn kind<T>() -> &'static str {
    let name = core::any::type_name::<T>();
    match name.rsplit("::").next().unwrap_or(name) {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "number",
        "bool" => "choice of true and false",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_may_be_hexadecimal_and_nothing_else() {
        let mut settings = Settings::new("a = 0x10; b = \"0xffffffffffffffff\"; c = 0x10; d = 0x100; e = 0xg").unwrap();
        assert_eq!(settings.get("a", 0_u32), Ok(16));
        assert_eq!(settings.get("b", 0), Ok(u64::MAX));
        assert_eq!(settings.get("c", String::new()), Ok("0x10".to_owned()));
        assert_eq!(settings.get("d", 0_u8), Err("setting d cannot be \"0x100\": it is a number".to_owned()));
        assert_eq!(settings.get("e", 0_i64), Err("setting e cannot be \"0xg\": it is a number".to_owned()));
        assert_eq!(settings.get("a", 0.5_f64), Err("setting a cannot be \"0x10\": it is a f64".to_owned()));
    }
}
