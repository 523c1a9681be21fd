//! Strategies: the ways of running a guest that are compared, and the switches of `patchbay run` that each means.

use std::collections::BTreeMap;
use std::path::Path;

use patchbay_plugin_api::patch_manager::PatchManagerRef;
use patchbay_plugin_api::settings::lines;
use patchbay_vmm::patch::trigger::TRIGGERS;
use patchbay_vmm::plugins::Registry;
use patchbay_vmm::policy::{self, BUNDLED, Choice, Policy};
use serde::{Deserialize, Serialize};

/// Who emulates the guest's privileged instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nobody.
    Native,
    /// The monitor, at a fault each time.
    Trap,
    /// The monitor, which patches.
    #[default]
    Patch,
}

impl Mode {
    /// As the command line has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Native => "native",
            Mode::Trap => "trap",
            Mode::Patch => "patch",
        }
    }
}

/// A strategy. What it does not say is as `patchbay run` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Strategy {
    /// What it is called; made from what it sets if it is left out.
    #[serde(default)]
    pub name: String,
    /// Who emulates.
    #[serde(default)]
    pub mode: Mode,
    /// The policy, by name or file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The classifier, as `PLUGIN[,NAME=VALUE…]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<String>,
    /// The patch manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_manager: Option<String>,
    /// The routines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routines: Option<String>,
    /// The trigger that the patch manager asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Patches all candidates before the guest starts.
    #[serde(default, rename = "static", skip_serializing_if = "std::ops::Not::not")]
    pub before_start: bool,
    /// Settings of plugins: `NAME` is the patch manager's, `classifier.NAME` and `routines.NAME` are the others'.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Which virtual processors share a routine table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// How the conventional path fetches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<String>,
    /// The engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// The guest's processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processors: Option<usize>,
    /// Parts of the conventional path that are switched off, to measure what each costs. Such a run is no strategy that
    /// anybody could use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

/// Why a strategy cannot be.
#[derive(Debug, thiserror::Error)]
pub enum StrategyError {
    /// The name says nothing.
    #[error("there is no strategy {0}: it is one of {list}, or a policy's file (*.toml)", list = names().join(", "))]
    Unknown(String),
    /// It patches nothing, and says how.
    #[error("the strategy {0} has {1} = {2:?}, which mode = {3:?} has no use for")]
    Useless(String, &'static str, String, &'static str),
    /// Two choices of the same thing.
    #[error("the strategy {0} has static = true and patch-manager = {1:?}: only one of them can patch")]
    TwoPatchManagers(String, String),
    /// A setting of no plugin.
    #[error("the strategy {0} sets {1:?}: a setting is NAME, patch-manager.NAME, classifier.NAME or routines.NAME")]
    Setting(String, String),
    /// A policy that cannot be read.
    #[error("the strategy {0}: {1}")]
    Policy(String, policy::Error),
}

/// The names of the kinds of triggers.
pub fn triggers() -> impl Iterator<Item = &'static str> {
    TRIGGERS.iter().map(|kind| kind.name)
}

/// The names of strategies that are known without being described.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let policies = BUNDLED.iter().map(|(name, _)| *name);
    ["native", "trap"].into_iter().chain(triggers()).chain(["static", "waterfall"]).chain(policies).collect()
}

/// The names of the strategies that are compared if nothing else is asked for: `static` where its plugin is found.
#[must_use]
pub fn sensible() -> Vec<&'static str> {
    let found = Registry::discover().find::<PatchManagerRef>("patch-static", Path::new("")).is_ok();
    ["native", "trap"].into_iter().chain(triggers()).chain(found.then_some("static")).collect()
}

/// From `trap` to `break`, with a part of the conventional path less each time, and what the difference to the one before is.
/// All but the whole strategies are for measurement only.
#[must_use]
pub fn waterfall() -> Vec<(Strategy, &'static str)> {
    let strategy = |mode, trigger: Option<&str>, without: &[&str]| {
        let without = without.iter().map(|part| (*part).to_owned()).collect();
        let mut strategy = Strategy { mode, trigger: trigger.map(str::to_owned), without, ..Strategy::default() };
        strategy.name = strategy.describe();
        strategy
    };
    let pseudo = |without: &[&str]| strategy(Mode::Patch, Some("pseudo"), without);
    vec![
        (strategy(Mode::Trap, None, &[]), "the whole conventional path"),
        (strategy(Mode::Trap, None, &["fetch"]), "fetch"),
        (pseudo(&[]), "finding the site of a fault"),
        (pseudo(&["exit"]), "leaving the run loop"),
        (pseudo(&["exit", "frame"]), "trap frame"),
        (pseudo(&["exit", "frame", "decode"]), "decode"),
        (strategy(Mode::Patch, Some("break"), &[]), "emulating any instruction, not this one"),
    ]
}

impl Strategy {
    /// The strategies that a word means: one, or for `waterfall` several.
    ///
    /// # Errors
    /// If it means none.
    pub fn all_named(word: &str) -> Result<Vec<Strategy>, StrategyError> {
        if word == "waterfall" {
            return Ok(waterfall().into_iter().map(|(strategy, _)| strategy).collect());
        }
        Strategy::named(word).map(|strategy| vec![strategy])
    }

    /// The strategy that a word means: a mode, a trigger, `static`, a bundled policy, or a policy's file.
    ///
    /// # Errors
    /// If it means none.
    pub fn named(word: &str) -> Result<Strategy, StrategyError> {
        let mut strategy = Strategy { name: word.to_owned(), ..Strategy::default() };
        match word {
            "native" => strategy.mode = Mode::Native,
            "trap" => strategy.mode = Mode::Trap,
            "static" => strategy.before_start = true,
            _ if triggers().any(|kind| kind == word) => strategy.trigger = Some(word.to_owned()),
            _ if BUNDLED.iter().any(|(name, _)| *name == word) => strategy.policy = Some(word.to_owned()),
            _ if Path::new(word).extension().is_some_and(|extension| extension == "toml") => {
                strategy.policy = Some(word.to_owned());
                strategy.name = Path::new(word).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            }
            _ => return Err(StrategyError::Unknown(word.to_owned())),
        }
        Ok(strategy)
    }

    /// What it sets, as a name; `default` if it is the default policy.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        if self.mode == Mode::Patch {
            let plain = |choice: &String| {
                let (plugin, settings) = choice.split_once(',').unwrap_or((choice, ""));
                let plugin = Path::new(plugin).file_stem().unwrap_or_default().to_string_lossy().into_owned();
                if settings.is_empty() { plugin } else { format!("{plugin},{settings}") }
            };
            words.extend(self.policy.iter().map(&plain));
            words.extend([&self.classifier, &self.patch_manager, &self.routines].into_iter().flatten().map(plain));
            words.extend(self.before_start.then(|| "static".to_owned()));
            words.extend(self.trigger.clone());
            words.extend(self.set.iter().map(|(name, value)| format!("{name}={value}")));
            words.extend(self.scope.as_ref().map(|scope| format!("scope {scope}")));
            if words.is_empty() {
                words.push("default".to_owned());
            }
        } else {
            words.push(self.mode.name().to_owned());
        }
        if !self.without.is_empty() {
            words.push(format!("without {}", self.without.join(", ")));
        }
        words.extend(self.fetch.clone());
        words.extend(self.engine.clone());
        words.extend(self.processors.map(|count| format!("{count} VP{}", if count == 1 { "" } else { "s" })));
        words.join(" ")
    }

    /// The switches of `patchbay run` that it means; policies' files are relative to `base`.
    ///
    /// # Errors
    /// If it contradicts itself.
    pub fn switches(&self, base: &Path) -> Result<Vec<String>, StrategyError> {
        self.check()?;
        let mut switches = vec!["--mode".to_owned(), self.mode.name().to_owned()];
        let mut add = |name: &str, value: String| switches.extend([format!("--{name}"), value]);
        if self.mode == Mode::Patch {
            if let Some(policy) = &self.policy {
                add("policy", policy.clone());
            }
            let policy = self.policy(base)?;
            let trigger = self.trigger.iter().map(|trigger| ("trigger".to_owned(), trigger.clone()));
            let own = if self.before_start { Some("patch-static".to_owned()) } else { self.patch_manager.clone() };
            let parts = [
                ("classifier", &self.classifier, &policy.classifier, self.settings("classifier", None)),
                (
                    "patch-manager",
                    &own,
                    &policy.patch_manager,
                    trigger.chain(self.settings("patch-manager", Some(""))).collect(),
                ),
                ("routines", &self.routines, &policy.routines, self.settings("routines", None)),
            ];
            for (kind, own, of_policy, settings) in parts {
                if let Some(argument) = argument(own.as_deref(), of_policy, &settings) {
                    add(kind, argument);
                }
            }
        }
        for (name, value) in [("scope", &self.scope), ("fetch", &self.fetch), ("engine", &self.engine)] {
            if let Some(value) = value {
                add(name, value.clone());
            }
        }
        if let Some(processors) = self.processors {
            add("processors", processors.to_string());
        }
        if !self.without.is_empty() {
            add("conventional-without", self.without.join(","));
        }
        Ok(switches)
    }

    /// The policy that it starts from.
    fn policy(&self, base: &Path) -> Result<Policy, StrategyError> {
        let name = self.policy.as_deref().unwrap_or("default");
        let bundled = BUNDLED.iter().any(|(bundled, _)| *bundled == name);
        let reference = if bundled { name.to_owned() } else { base.join(name).to_string_lossy().into_owned() };
        Policy::load(&reference).map_err(|error| StrategyError::Policy(self.name.clone(), error))
    }

    /// The strategy as a policy file, for `patchbay run --policy`; its plugins' files are named from the root on.
    ///
    /// # Errors
    /// If it contradicts itself.
    pub fn policy_file(&self, base: &Path) -> Result<String, StrategyError> {
        let switches = self.switches(base)?;
        let mut policy = self.policy(base)?;
        if self.mode != Mode::Patch {
            policy.patch_manager = Choice::from_argument("patch-never");
        }
        let given =
            |kind: &str| switches.iter().position(|word| *word == format!("--{kind}")).map(|at| &switches[at + 1]);
        let kinds = [
            ("classifier", &policy.classifier),
            ("patch-manager", &policy.patch_manager),
            ("routines", &policy.routines),
        ];
        let mut text = format!("description = {}\n", quoted(&format!("Found by patchbay bench search: {}", self.name)));
        for (kind, of_policy) in kinds {
            let own = given(kind).map(|argument| Choice { base: base.to_owned(), ..Choice::from_argument(argument) });
            let choice = own.as_ref().unwrap_or(of_policy);
            let plugin = reference(choice);
            let is_file = plugin.contains('/') || plugin.contains(".so");
            let plugin =
                std::path::absolute(&plugin).ok().filter(|_| is_file).map_or(plugin, |path| path.display().to_string());
            text += &format!("\n[{kind}]\nplugin = {}\n", quoted(&plugin));
            for line in lines(&choice.config) {
                if let Some((name, value)) = line.split_once('=') {
                    text += &format!("{} = {}\n", name.trim(), quoted(value.trim().trim_matches('"')));
                }
            }
        }
        let rest = switches.chunks(2).filter(|pair| ["--scope", "--fetch", "--engine"].contains(&pair[0].as_str()));
        let rest: Vec<String> = rest.map(|pair| pair.join(" ")).collect();
        if !rest.is_empty() {
            text.insert_str(0, &format!("# Run with {}.\n", rest.join(" ")));
        }
        Ok(text)
    }

    /// The settings of a kind of plugin.
    fn settings(&self, kind: &str, without_prefix: Option<&str>) -> Vec<(String, String)> {
        let of_kind = |name: &str| match name.split_once('.') {
            Some((prefix, name)) if prefix == kind => Some(name.to_owned()),
            None => without_prefix.map(|_| name.to_owned()),
            Some(_) => None,
        };
        self.set.iter().filter_map(|(name, value)| Some((of_kind(name)?, value.clone()))).collect()
    }

    fn check(&self) -> Result<(), StrategyError> {
        let known = |name: &String| match name.split_once('.') {
            None => true,
            Some((kind, _)) => ["classifier", "patch-manager", "routines"].contains(&kind),
        };
        if let Some(name) = self.set.keys().find(|name| !known(name)) {
            return Err(StrategyError::Setting(self.name.clone(), name.clone()));
        }
        if let (true, Some(other)) = (self.before_start, &self.patch_manager) {
            return Err(StrategyError::TwoPatchManagers(self.name.clone(), other.clone()));
        }
        let set = self.set.iter().next().map(|(name, value)| format!("{name}={value}"));
        let only_patched = [
            ("policy", self.policy.clone()),
            ("classifier", self.classifier.clone()),
            ("patch-manager", self.patch_manager.clone()),
            ("routines", self.routines.clone()),
            ("trigger", self.trigger.clone()),
            ("static", self.before_start.then(|| "true".to_owned())),
            ("set", set),
            ("scope", self.scope.clone()),
        ];
        let only_monitored =
            [("fetch", self.fetch.clone()), ("without", (!self.without.is_empty()).then(|| self.without.join(",")))];
        let useless = match self.mode {
            Mode::Patch => None,
            Mode::Trap => only_patched.into_iter().find(|(_, value)| value.is_some()),
            Mode::Native => only_patched.into_iter().chain(only_monitored).find(|(_, value)| value.is_some()),
        };
        match useless {
            Some((name, Some(value))) => Err(StrategyError::Useless(self.name.clone(), name, value, self.mode.name())),
            _ => Ok(()),
        }
    }

    /// The files of plugins that it uses, with the policy's own, as far as they are found.
    #[must_use]
    pub fn plugins(&self, base: &Path) -> Vec<String> {
        let Ok(policy) = self.policy(base) else { return Vec::new() };
        if self.mode != Mode::Patch {
            return Vec::new();
        }
        let static_manager = self.before_start.then(|| "patch-static".to_owned());
        let manager = static_manager.or_else(|| self.patch_manager.clone());
        let parts = [
            (&self.classifier, &policy.classifier),
            (&manager, &policy.patch_manager),
            (&self.routines, &policy.routines),
        ];
        let name = |choice: &str| choice.split(',').next().unwrap_or_default().to_owned();
        let part =
            |(own, of_policy): (&Option<String>, &Choice)| own.as_deref().map_or_else(|| reference(of_policy), name);
        parts.into_iter().map(part).collect()
    }
}

/// A string as TOML has it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A policy's plugin as the command line can name it.
fn reference(choice: &Choice) -> String {
    let is_file = choice.plugin.contains('/') || choice.plugin.contains(".so");
    if is_file { choice.base.join(&choice.plugin).to_string_lossy().into_owned() } else { choice.plugin.clone() }
}

/// The argument of `--classifier`, `--patch-manager` or `--routines`; `None` if the policy's own is meant as it is.
fn argument(own: Option<&str>, of_policy: &Choice, settings: &[(String, String)]) -> Option<String> {
    if settings.is_empty() {
        return own.map(str::to_owned);
    }
    let (plugin, config) = match own {
        Some(own) => own.split_once(',').map_or((own.to_owned(), ""), |(plugin, config)| (plugin.to_owned(), config)),
        None => (reference(of_policy), of_policy.config.as_str()),
    };
    let mut pairs: Vec<(String, String)> = Vec::new();
    let given = lines(config).filter_map(|line| line.split_once('=')).map(|(name, value)| (name.trim(), value.trim()));
    let set = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in given.chain(set) {
        match pairs.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => value.clone_into(old),
            None => pairs.push((name.to_owned(), value.to_owned())),
        }
    }
    Some(pairs.iter().fold(plugin, |argument, (name, value)| format!("{argument},{name}={value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switches(text: &str) -> Result<String, String> {
        let strategy: Strategy = toml::from_str(text).map_err(|error| error.to_string())?;
        strategy.switches(Path::new("")).map(|words| words.join(" ")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_word_means_a_strategy() {
        let words =
            |name: &str| Strategy::named(name).expect("known").switches(Path::new("")).expect("sound").join(" ");
        assert_eq!(words("native"), "--mode native");
        assert_eq!(words("trap"), "--mode trap");
        assert_eq!(words("branch"), "--mode patch --patch-manager patch-first-fault,trigger=branch");
        assert_eq!(words("static"), "--mode patch --patch-manager patch-static");
        assert_eq!(words("hot"), "--mode patch --policy hot");
        assert!(Strategy::named("bogus").unwrap_err().to_string().contains("native, trap, break, pseudo"));
    }

    #[test]
    fn settings_are_added_to_those_of_the_policy() {
        let found =
            switches("policy = 'hot'\ntrigger = 'jmp'\nset = { threshold = '4', 'classifier.x' = '1' }").unwrap();
        assert_eq!(
            found,
            "--mode patch --policy hot --classifier classify-operands,x=1 --patch-manager patch-hot,threshold=4,trigger=jmp"
        );
        let own = switches("patch-manager = './mine.so,a=1'\nset = { b = '2' }").unwrap();
        assert_eq!(own, "--mode patch --patch-manager ./mine.so,a=1,b=2");
    }

    #[test]
    fn contradictions_are_refused() {
        for (text, word) in [
            ("mode = 'native'\ntrigger = 'branch'", "trigger"),
            ("mode = 'trap'\npolicy = 'hot'", "policy"),
            ("mode = 'native'\nfetch = 'physical'", "fetch"),
            ("static = true\npatch-manager = 'patch-hot'", "patch-hot"),
            ("set = { 'nothing.x' = '1' }", "nothing.x"),
            ("policy = 'missing'", "missing"),
            ("bogus = 1", "bogus"),
        ] {
            let error = switches(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(switches("mode = 'trap'\nfetch = 'physical'").is_ok());
    }

    #[test]
    fn a_strategy_becomes_a_policy() {
        for text in ["policy = 'hot'\ntrigger = 'jmp'\nset = { threshold = '4' }\nscope = 'vp'", "mode = 'trap'"] {
            let strategy: Strategy = toml::from_str(text).unwrap();
            let file = strategy.policy_file(Path::new("")).unwrap();
            let policy = Policy::parse("found", &file, Path::new("")).unwrap();
            if strategy.mode == Mode::Trap {
                assert_eq!(policy.patch_manager.plugin, "patch-never");
            } else {
                assert_eq!(policy.patch_manager.plugin, "patch-hot");
                assert!(policy.patch_manager.config.contains("threshold = \"4\""), "{}", policy.patch_manager.config);
                assert!(file.starts_with("# Run with --scope vp"), "{file}");
            }
        }
    }

    #[test]
    fn a_strategy_is_called_after_what_it_sets() {
        let described = |text| toml::from_str::<Strategy>(text).unwrap().describe();
        assert_eq!(described("mode = 'trap'"), "trap");
        assert_eq!(described(""), "default");
        assert_eq!(described("policy = 'hot'\nset = { threshold = '4' }\nprocessors = 2"), "hot threshold=4 2 VPs");
    }
}
