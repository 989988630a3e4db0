//! The server's side of the telnet protocol (RFC 854, 855), as far as consoles need it.
//!
//! A console offers to echo (RFC 857) and to suppress go-aheads (RFC 858), takes and sends binary
//! data where the client asks for that (RFC 856), and refuses everything else. Bytes of 255 are
//! doubled both ways. A carriage return that the client pads with a zero goes to the guest alone;
//! everything else goes through as it is.

/// "Interpret as command": what begins a command, and stands for itself where it is doubled.
const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// Begins the parameters of an option.
const SB: u8 = 250;
/// Ends them.
const SE: u8 = 240;

const BINARY: u8 = 0;
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;

/// What a console says first.
pub(crate) const GREETING: [u8; 6] = [IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD];

/// What one client has sent so far, and what was agreed on.
#[derive(Debug)]
pub(crate) struct Telnet {
    state: State,
    /// Options that are on for what we send.
    ours: Vec<u8>,
    /// Options that are on for what the client sends.
    theirs: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    /// Behind a carriage return, where a zero is padding.
    Return,
    Command,
    /// Behind the verb of a negotiation.
    Option(u8),
    Parameters,
    /// Behind a 255 among parameters.
    ParametersCommand,
}

/// What came of a client's bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    /// What is meant for the guest.
    pub(crate) keys: Vec<u8>,
    /// What the client is to be answered.
    pub(crate) reply: Vec<u8>,
}

impl Telnet {
    /// With a client that has got the [`GREETING`].
    pub(crate) fn greeted() -> Self {
        Self { state: State::Data, ours: vec![ECHO, SUPPRESS_GO_AHEAD], theirs: Vec::new() }
    }

    /// Takes what a client sent; a command may be split between two pieces.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Received {
        let mut received = Received::default();
        for byte in bytes {
            self.state = self.step(*byte, &mut received);
        }
        received
    }

    fn step(&mut self, byte: u8, received: &mut Received) -> State {
        match (self.state, byte) {
            (State::Data | State::Return, IAC) => State::Command,
            (State::Return, 0) if !self.theirs.contains(&BINARY) => State::Data,
            (State::Data | State::Return, _) => {
                received.keys.push(byte);
                if byte == b'\r' { State::Return } else { State::Data }
            }
            (State::Command, IAC) => {
                received.keys.push(IAC);
                State::Data
            }
            (State::Command, DO | DONT | WILL | WONT) => State::Option(byte),
            (State::Command, SB) => State::Parameters,
            // A break, "are you there" and such mean nothing to a guest.
            (State::Command, _) => State::Data,
            (State::Option(verb), option) => {
                received.reply.extend(self.negotiate(verb, option));
                State::Data
            }
            (State::Parameters, IAC) => State::ParametersCommand,
            (State::ParametersCommand, SE) => State::Data,
            // We ask for no parameters: what comes unasked is skipped.
            (State::Parameters | State::ParametersCommand, _) => State::Parameters,
        }
    }

    /// Answers only what changes something, so that two sides never answer each other for ever.
    fn negotiate(&mut self, verb: u8, option: u8) -> Vec<u8> {
        let (side, on, wanted): (_, _, &[u8]) = match verb {
            DO | DONT => (&mut self.ours, verb == DO, &[BINARY, ECHO, SUPPRESS_GO_AHEAD]),
            _ => (&mut self.theirs, verb == WILL, &[BINARY, SUPPRESS_GO_AHEAD]),
        };
        let (yes, no) = if matches!(verb, DO | DONT) { (WILL, WONT) } else { (DO, DONT) };
        match (on, side.contains(&option)) {
            (true, false) if wanted.contains(&option) => {
                side.push(option);
                vec![IAC, yes, option]
            }
            (true, false) => vec![IAC, no, option],
            (false, true) => {
                side.retain(|it| *it != option);
                vec![IAC, no, option]
            }
            (true, true) | (false, false) => Vec::new(),
        }
    }
}

/// What a guest wrote, as it goes to a client.
pub(crate) fn escaped(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| std::iter::repeat_n(*byte, 1 + usize::from(*byte == IAC)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW_SIZE: u8 = 31;
    const NOTHING: [u8; 0] = [];

    fn keys(pieces: &[&[u8]]) -> Vec<u8> {
        let mut telnet = Telnet::greeted();
        pieces.iter().flat_map(|piece| telnet.receive(piece).keys).collect()
    }

    fn reply(telnet: &mut Telnet, command: [u8; 3]) -> Vec<u8> {
        telnet.receive(&command).reply
    }

    #[test]
    fn only_what_is_typed_comes_to_the_guest_however_it_is_split() {
        let sent = [b"di".as_slice(), &[IAC, IAC, IAC, WILL, 24, IAC, SB, 24, 0, b'x', IAC, IAC]];
        let sent = [sent.concat(), vec![IAC, SE, b'r', b'\r', 0, b'\r', b'\n', IAC, 241]].concat();
        let expected = [b"di".as_slice(), &[IAC], b"r\r\r\n"].concat();
        assert_eq!(keys(&[&sent]), expected);
        let single: Vec<&[u8]> = sent.chunks(1).collect();
        assert_eq!(keys(&single), expected);
    }

    #[test]
    fn what_a_client_agrees_to_is_not_answered_and_what_nobody_needs_is_refused() {
        let mut telnet = Telnet::greeted();
        assert_eq!(reply(&mut telnet, [IAC, DO, ECHO]), NOTHING);
        assert_eq!(reply(&mut telnet, [IAC, DO, SUPPRESS_GO_AHEAD]), NOTHING);
        assert_eq!(reply(&mut telnet, [IAC, WILL, SUPPRESS_GO_AHEAD]), [IAC, DO, 3]);
        assert_eq!(reply(&mut telnet, [IAC, WILL, WINDOW_SIZE]), [IAC, DONT, WINDOW_SIZE]);
        assert_eq!(reply(&mut telnet, [IAC, DO, WINDOW_SIZE]), [IAC, WONT, WINDOW_SIZE]);
        assert_eq!(reply(&mut telnet, [IAC, WONT, WINDOW_SIZE]), NOTHING, "it is off");
        assert_eq!(reply(&mut telnet, [IAC, DONT, ECHO]), [IAC, WONT, ECHO]);
        assert_eq!(reply(&mut telnet, [IAC, DONT, ECHO]), NOTHING, "it is off already");
    }

    #[test]
    fn binary_data_is_agreed_on_for_each_way_and_keeps_every_byte() {
        let mut telnet = Telnet::greeted();
        assert_eq!(telnet.receive(b"\r\0").keys, b"\r");
        assert_eq!(reply(&mut telnet, [IAC, WILL, BINARY]), [IAC, DO, BINARY]);
        assert_eq!(reply(&mut telnet, [IAC, DO, BINARY]), [IAC, WILL, BINARY]);
        assert_eq!(telnet.receive(b"\r\0").keys, b"\r\0");
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(telnet.receive(&escaped(&all)).keys, all);
    }
}
