//! The console's UART: a 16550A.

use std::convert::Infallible;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender};
use vm_superio::serial::NoEvents;
use vm_superio::{Serial, Trigger};

use super::Device;
use super::iosapic::Iosapic;

/// The interrupt line of the UART.
pub const LINE: u8 = 4;
/// The input clock of the UART, in hertz.
pub const CLOCK: u32 = 1_843_200;

const LINE_STATUS: u8 = 5;
const BREAK: u8 = 1 << 4;
/// The receive FIFO, in bytes.
const FIFO: usize = 64;
const FIFO_CONTROL: u8 = 2;
const CLEAR_RECEIVED: u8 = 1 << 1;
const LINE_CONTROL: u8 = 3;
const DIVISOR_LATCH: u8 = 1 << 7;
const MODEM_CONTROL: u8 = 4;
const REQUEST_TO_SEND: u8 = 1 << 1;
const LOOPBACK: u8 = 1 << 4;

#[derive(Debug)]
struct Edge(Arc<Iosapic>);

impl Trigger for Edge {
    type E = Infallible;

    fn trigger(&self) -> Result<(), Infallible> {
        self.0.pulse(usize::from(LINE));
        Ok(())
    }
}

#[derive(Debug)]
struct Output(Sender<u8>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            let _nobody_listens = self.0.send(*byte);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A 16550A whose line ends in two channels. The sender of its input waits for the guest's request to send: what came
/// while a driver tries the registers and empties the FIFO would be lost.
pub struct Uart {
    serial: Mutex<Receiving>,
    input: Receiver<u8>,
    /// Whether the line is to send a break when there is room for it.
    break_wanted: AtomicBool,
}

struct Receiving {
    serial: Serial<Edge, NoEvents, Output>,
    /// The bytes in the FIFO before the zero byte that stands for a break.
    before_break: Option<usize>,
}

impl Uart {
    /// A UART that sends to `output` and receives from `input`.
    #[must_use]
    pub fn new(iosapic: Arc<Iosapic>, output: Sender<u8>, input: Receiver<u8>) -> Uart {
        let serial = Serial::new(Edge(iosapic), Output(output));
        Uart {
            serial: Mutex::new(Receiving { serial, before_break: None }),
            input,
            break_wanted: AtomicBool::new(false),
        }
    }

    /// Moves what waits in the input channel into the receive FIFO, as far as it has room.
    pub fn receive(&self) {
        self.fill(&mut self.serial.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The line sends a break at the next [`receive`](Uart::receive): the guest reads a zero byte, and is told in the line
    /// status that it is one.
    pub fn send_break(&self) {
        self.break_wanted.store(true, Ordering::Release);
    }

    fn fill(&self, receiving: &mut Receiving) {
        let Receiving { serial, before_break } = receiving;
        let modem_control = serial.read(MODEM_CONTROL);
        if modem_control & (REQUEST_TO_SEND | LOOPBACK) != REQUEST_TO_SEND {
            return;
        }
        let bytes: Vec<u8> = self.input.try_iter().take(serial.fifo_capacity()).collect();
        if !bytes.is_empty() {
            let _has_room = serial.enqueue_raw_bytes(&bytes);
        }
        let room = serial.fifo_capacity();
        if room > 0 && before_break.is_none() && self.break_wanted.swap(false, Ordering::AcqRel) {
            *before_break = Some(FIFO - room);
            let _has_room = serial.enqueue_raw_bytes(&[0]);
        }
    }
}

impl Device for Uart {
    fn read(&self, offset: u64, _size: u8) -> u64 {
        let mut receiving = self.serial.lock().unwrap_or_else(PoisonError::into_inner);
        let divisor = receiving.serial.read(LINE_CONTROL) & DIVISOR_LATCH != 0;
        if offset == 0 && !divisor {
            let byte = receiving.serial.read(0);
            receiving.before_break = receiving.before_break.and_then(|before| before.checked_sub(1));
            if !self.input.is_empty() || self.break_wanted.load(Ordering::Acquire) {
                self.fill(&mut receiving);
            }
            return u64::from(byte);
        }
        let value = receiving.serial.read(offset as u8);
        let is_break = offset == u64::from(LINE_STATUS) && receiving.before_break == Some(0);
        u64::from(if is_break { value | BREAK } else { value })
    }

    fn write(&self, offset: u64, _size: u8, value: u64) {
        let mut receiving = self.serial.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = offset as u8;
        let _output_never_fails = receiving.serial.write(offset, value as u8);
        if offset == FIFO_CONTROL && value as u8 & CLEAR_RECEIVED != 0 && receiving.serial.fifo_capacity() == FIFO {
            receiving.before_break = None;
        }
        if offset == MODEM_CONTROL && !self.input.is_empty() {
            self.fill(&mut receiving);
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;
    use patchbay_cpu::coherence_domain::CoherenceDomain;

    use super::*;
    use crate::interrupts::Interrupts;

    struct Fixture {
        uart: Uart,
        domain: Arc<CoherenceDomain>,
        output: Receiver<u8>,
        input: Sender<u8>,
    }

    fn fixture() -> Fixture {
        let domain = Arc::new(CoherenceDomain::new(1, false));
        let iosapic = Arc::new(Iosapic::new(Arc::new(Interrupts::new(Arc::clone(&domain)))));
        iosapic.write(0, 4, 0x10 + 2 * u64::from(LINE));
        iosapic.write(0x10, 4, 0x41);
        let (sender, output) = unbounded();
        let (input, receiver) = unbounded();
        Fixture { uart: Uart::new(iosapic, sender, receiver), domain, output, input }
    }

    #[test]
    fn what_is_written_is_sent() {
        let fixture = fixture();
        for byte in b"hi" {
            fixture.uart.write(0, 1, u64::from(*byte));
        }
        assert_eq!(fixture.output.try_iter().collect::<Vec<_>>(), b"hi");
        // Line status: transmitter and holding register empty.
        assert_eq!(fixture.uart.read(5, 1) & 0x60, 0x60);
    }

    #[test]
    fn input_raises_the_interrupt_when_it_is_enabled_and_is_read_in_order() {
        let fixture = fixture();
        fixture.uart.write(1, 1, 1);
        fixture.uart.write(4, 1, 2);
        for byte in b"ok" {
            fixture.input.send(*byte).unwrap();
        }
        fixture.uart.receive();
        assert_eq!(fixture.domain.mailbox(0).irr(1), 2);
        assert_eq!(fixture.uart.read(5, 1) & 1, 1);
        assert_eq!([fixture.uart.read(0, 1), fixture.uart.read(0, 1)], [u64::from(b'o'), u64::from(b'k')]);
        assert_eq!(fixture.uart.read(5, 1) & 1, 0);
    }

    #[test]
    fn more_input_than_the_fifo_holds_is_not_lost() {
        let fixture = fixture();
        fixture.uart.write(4, 1, 2);
        let text: Vec<u8> = (0..1000_u32).map(|i| i as u8).collect();
        for byte in &text {
            fixture.input.send(*byte).unwrap();
        }
        fixture.uart.receive();
        let read: Vec<u8> = (0..text.len()).map(|_| fixture.uart.read(0, 1) as u8).collect();
        assert_eq!(read, text);
    }

    #[test]
    fn a_break_is_a_zero_byte_that_the_line_status_tells_of() {
        let fixture = fixture();
        fixture.uart.write(4, 1, 2);
        fixture.input.send(b'x').unwrap();
        fixture.uart.send_break();
        fixture.uart.receive();
        let status = || fixture.uart.read(5, 1) & 0x11;
        assert_eq!((status(), fixture.uart.read(0, 1)), (0x01, u64::from(b'x')));
        assert_eq!((status(), fixture.uart.read(0, 1)), (0x11, 0));
        assert_eq!(status(), 0);
    }

    #[test]
    fn input_waits_for_the_request_to_send() {
        let fixture = fixture();
        fixture.input.send(b'x').unwrap();
        fixture.uart.receive();
        assert_eq!(fixture.uart.read(5, 1) & 1, 0);
        fixture.uart.write(4, 1, 0x12);
        assert_eq!(fixture.uart.read(5, 1) & 1, 0);
        fixture.uart.write(4, 1, 2);
        assert_eq!(fixture.uart.read(0, 1), u64::from(b'x'));
    }

    #[test]
    fn the_divisor_latch_hides_the_data_register() {
        let fixture = fixture();
        fixture.uart.write(3, 1, 0x83);
        fixture.uart.write(0, 1, 0x0c);
        assert_eq!(fixture.uart.read(0, 1), 0x0c);
        assert!(fixture.output.is_empty());
    }
}
