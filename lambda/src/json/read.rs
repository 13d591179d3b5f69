//! From text to `Value`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{MOST_DEPTH, Member, Value};
use crate::reason::{Code, Place, Reason};

/// Objects with more keys than this are checked for repeats with a set, smaller ones key by key.
const FEW_KEYS: usize = 16;
/// Room for so many from the start: a transaction has about as many.
const USUAL_KEYS: usize = 8;

/// Reads one JSON text. `Err`: it cannot be read. `Ok` comes with a reason for each repeated key.
pub fn read(text: &str) -> Result<(Value<'_>, Vec<Reason>), Reason> {
    let mut reader = Reader { text, at: 0, repeated: Vec::new() };
    reader.skip_space();
    let value = reader.value(&Place::Root, 0)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.wrong("the end"));
    }
    Ok((value, reader.repeated))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    repeated: Vec<Reason>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, place: &Place<'_>, depth: usize) -> Result<Value<'a>, Reason> {
        match self.peek() {
            Some(b'{' | b'[') if depth == MOST_DEPTH => {
                Err(Reason::new(Code::TooDeep, place.pointer()).with(format!("at most {MOST_DEPTH} levels")))
            }
            Some(b'{') => self.object(place, depth + 1),
            Some(b'[') => self.array(place, depth + 1),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.wrong("a value")),
        }
    }

    fn object(&mut self, place: &Place<'_>, depth: usize) -> Result<Value<'a>, Reason> {
        self.at += 1;
        let mut object = Object { members: Vec::with_capacity(USUAL_KEYS), keys: HashSet::new() };
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(object.members));
        }
        loop {
            self.skip_space();
            let key = if self.peek() == Some(b'"') { self.string()? } else { return Err(self.wrong("a key")) };
            self.skip_space();
            self.expect(b':', "`:`")?;
            self.skip_space();
            let here = Place::Key(place, &key);
            let value = self.value(&here, depth)?;
            if object.has(&key) {
                self.repeated.push(Reason::new(Code::DuplicateKey, here.pointer()));
            } else {
                object.push(key, value);
            }
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Object(object.members));
            }
            self.expect(b',', "`,` or `}`")?;
        }
    }

    fn array(&mut self, place: &Place<'_>, depth: usize) -> Result<Value<'a>, Reason> {
        self.at += 1;
        let mut values = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Array(values));
        }
        loop {
            self.skip_space();
            values.push(self.value(&Place::Index(place, values.len()), depth)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Array(values));
            }
            self.expect(b',', "`,` or `]`")?;
        }
    }

    fn number(&mut self) -> Result<Value<'a>, Reason> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(Value::Number(&self.text[start..self.at]))
    }

    fn digits(&mut self) -> Result<(), Reason> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("a digit")) } else { Ok(()) }
    }

    /// A string: borrowed up to its end, or copied from its first escape on.
    fn string(&mut self) -> Result<Cow<'a, str>, Reason> {
        self.at += 1;
        let start = self.plain();
        if self.take(b'"') {
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let mut owned = self.text[start..self.at].to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(owned));
                }
                Some(b'\\') => {
                    self.at += 1;
                    owned.push(self.escape()?);
                }
                _ => return Err(self.wrong("`\"`")),
            }
            let from = self.plain();
            owned.push_str(&self.text[from..self.at]);
        }
    }

    /// Passes what stands for itself in a string; gives where it began. Stops at ASCII only, so never inside a character.
    fn plain(&mut self) -> usize {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
        self.at += length;
        start
    }

    fn escape(&mut self) -> Result<char, Reason> {
        let escaped = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.wrong("an escape")),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// `\uXXXX`, or two of them that are one character. Half a pair is no character and cannot be stored.
    fn unicode(&mut self) -> Result<char, Reason> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.wrong("a whole character"));
        }
        if !(self.take(b'\\') && self.take(b'u')) {
            return Err(self.wrong("the second half of a character"));
        }
        match self.hex()? {
            second @ 0xdc00..0xe000 => char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
                .ok_or_else(|| self.wrong("a whole character")),
            _ => Err(self.wrong("the second half of a character")),
        }
    }

    fn hex(&mut self) -> Result<u32, Reason> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or_default();
        let value = digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?));
        match value {
            Some(value) if digits.len() == 4 => {
                self.at += 4;
                Ok(value)
            }
            _ => Err(self.wrong("four hexadecimal digits")),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, Reason> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.wrong("a value"))
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8, name: &str) -> Result<(), Reason> {
        if self.take(byte) { Ok(()) } else { Err(self.wrong(name)) }
    }

    fn wrong(&self, expected: &str) -> Reason {
        Reason::new(Code::NotJson, "").with(format!("expected {expected} at byte {}", self.at))
    }
}

/// An object that is being read; finds repeated keys in linear time.
struct Object<'a> {
    members: Vec<Member<'a>>,
    /// Filled once there are many keys.
    keys: HashSet<Cow<'a, str>>,
}

impl<'a> Object<'a> {
    fn has(&mut self, key: &str) -> bool {
        if self.members.len() <= FEW_KEYS {
            return self.members.iter().any(|(known, _)| known == key);
        }
        if self.keys.is_empty() {
            self.keys = self.members.iter().map(|(known, _)| known.clone()).collect();
        }
        self.keys.contains(key)
    }

    fn push(&mut self, key: Cow<'a, str>, value: Value<'a>) {
        if !self.keys.is_empty() {
            self.keys.insert(key.clone());
        }
        self.members.push((key, value));
    }
}
