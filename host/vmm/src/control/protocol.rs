//! The lines of the control protocol.

use std::io::Read;

use serde_json::{Map, Value, json};

/// The version of the protocol.
pub const VERSION: u64 = 1;
/// Longer lines are refused, in bytes.
pub const LINE_MAX: usize = 64 * 1024;
/// What is read at once, in bytes.
const CHUNK: usize = 4096;

/// What the server says first.
#[must_use]
pub fn greeting() -> Value {
    json!({ "protocol": "patchbay", "version": VERSION })
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What to do.
    pub command: String,
    /// The number of the virtual machine, if it names one.
    pub vm: Option<u32>,
    /// What it is done with.
    pub arguments: Map<String, Value>,
}

/// Reads a request: its `id`, and the request or why it is none.
pub fn request(line: &[u8]) -> (Option<Value>, Result<Request, String>) {
    let mut object = match serde_json::from_slice(line) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return (None, Err("a request is a JSON object".to_owned())),
        Err(error) => return (None, Err(format!("the line is not JSON: {error}"))),
    };
    let id = object.remove("id");
    if let Some(version) = object.remove("version").filter(|version| *version != VERSION) {
        return (id, Err(format!("the version of the protocol is {VERSION}, not {version}")));
    }
    let vm = match object.remove("vm").map(serde_json::from_value).transpose() {
        Ok(vm) => vm,
        Err(_) => return (id, Err("vm is not the number of a machine".to_owned())),
    };
    let request = match object.remove("command") {
        Some(Value::String(command)) => Ok(Request { command, vm, arguments: object }),
        Some(_) => Err("command is not a string".to_owned()),
        None => Err("the request has no command".to_owned()),
    };
    (id, request)
}

/// The answer to a request.
#[must_use]
pub fn answer(id: Option<Value>, result: Result<Value, String>) -> Value {
    let mut answer = Map::new();
    answer.extend(id.map(|id| ("id".to_owned(), id)));
    answer.extend([match result {
        Ok(value) => ("ok".to_owned(), value),
        Err(sentence) => ("error".to_owned(), Value::String(sentence)),
    }]);
    Value::Object(answer)
}

/// A line that was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// It ended.
    Whole(Vec<u8>),
    /// It is too long; the rest is skipped.
    TooLong,
}

/// Reads lines that are not too long.
#[derive(Debug)]
pub struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// What of the buffer is known to have no end of a line.
    seen: usize,
    skips: bool,
}

impl<R: Read> Lines<R> {
    /// The lines of something.
    pub fn new(from: R) -> Lines<R> {
        Lines { from, buffer: Vec::new(), seen: 0, skips: false }
    }

    /// The next line; `None` at the end, or at an error. What stands after the last end of a line is not one.
    pub fn next_line(&mut self) -> Option<Line> {
        loop {
            if let Some(end) = self.buffer[self.seen..].iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(self.seen + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                self.seen = 0;
                line.pop();
                match (std::mem::take(&mut self.skips), line.len() > LINE_MAX) {
                    (true, _) => continue,
                    (false, true) => return Some(Line::TooLong),
                    (false, false) => return Some(Line::Whole(line)),
                }
            }
            self.seen = self.buffer.len();
            if self.skips {
                self.buffer.clear();
                self.seen = 0;
            } else if self.seen > LINE_MAX {
                self.buffer.clear();
                self.seen = 0;
                self.skips = true;
                return Some(Line::TooLong);
            }
            let mut chunk = [0; CHUNK];
            match self.from.read(&mut chunk) {
                Ok(length @ 1..) => self.buffer.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_too_long_are_skipped_and_half_ones_ignored() {
        let mut text = b"first\n\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 3 * LINE_MAX));
        text.extend(b"\nsecond\n");
        text.extend(std::iter::repeat_n(b'y', LINE_MAX));
        text.extend(b"\nhalf");
        let mut lines = Lines::new(&*text);
        assert_eq!(lines.next_line(), Some(Line::Whole(b"first".to_vec())));
        assert_eq!(lines.next_line(), Some(Line::Whole(Vec::new())));
        assert_eq!(lines.next_line(), Some(Line::TooLong));
        assert_eq!(lines.next_line(), Some(Line::Whole(b"second".to_vec())));
        assert_eq!(lines.next_line(), Some(Line::Whole(vec![b'y'; LINE_MAX])));
        assert_eq!(lines.next_line(), None);
    }

    #[test]
    fn requests_name_what_is_wrong_with_them() {
        let wrong = |line: &str| request(line.as_bytes()).1.expect_err("refused");
        assert_eq!(wrong("[1]"), "a request is a JSON object");
        assert_eq!(wrong("{}"), "the request has no command");
        assert_eq!(wrong(r#"{"command":1}"#), "command is not a string");
        assert_eq!(wrong(r#"{"command":"status","version":2}"#), "the version of the protocol is 1, not 2");
        assert!(wrong("\u{0}").starts_with("the line is not JSON: "));
        let (id, read) = request(br#"{"command":"swap","id":[1],"vp":2,"version":1}"#);
        assert_eq!(id, Some(json!([1])));
        let request = read.expect("a request");
        assert_eq!((request.command.as_str(), request.arguments.len()), ("swap", 1));
        assert_eq!(answer(id, Err("no".into())).to_string(), r#"{"id":[1],"error":"no"}"#);
        assert_eq!(answer(None, Ok(json!(1))).to_string(), r#"{"ok":1}"#);
    }
}
