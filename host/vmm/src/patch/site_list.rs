//! Lists of sites as text, one a line, as the plugin `patch-list` reads them.

use patchbay_machine::loader::symbols::Symbols;

/// A line: the site's bundle as `symbol+0x10` where that means nothing else, or by its address; its slot, the trigger that
/// it is to get, if one is said, and a comment.
#[must_use]
pub fn line(symbols: &Symbols, address: u64, slot: u8, trigger: Option<&str>, comment: &str) -> String {
    let named = symbols.name(address).map(|(name, offset)| format!("{name}+{offset:#x}"));
    let unambiguous = |named: &String| is_a_word(named) && symbols.place(named) == Some(address);
    let bundle = named.filter(unambiguous).unwrap_or_else(|| format!("{address:#x}"));
    format!("{bundle}.{slot}  {:<6}  # {comment}\n", trigger.unwrap_or_default())
}

/// Whether the name of a symbol and an offset can be told from everything else that a line has.
fn is_a_word(named: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '#';
    !named.starts_with("0x") && named.matches('+').count() == 1 && !named.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_have_names_where_those_are_unambiguous() {
        let symbols =
            Symbols::parse("1000 T once\n2000 t twice\n3000 t twice\n4000 t 0xdead\n5000 t plus+more\n6000 t a#b\n");
        let named =
            |address| line(&symbols, address, 2, None, "").split_whitespace().next().unwrap_or_default().to_owned();
        assert_eq!(line(&symbols, 0x1020, 1, Some("jmp"), "rfi"), "once+0x20.1  jmp     # rfi\n");
        assert_eq!(named(0x1000), "once+0x0.2");
        for address in [0x100, 0x2010, 0x3010, 0x4010, 0x5010, 0x6010] {
            assert_eq!(named(address), format!("{address:#x}.2"));
        }
    }
}
