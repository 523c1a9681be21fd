//! `EFI_TIME`.

use std::time::Duration;

const DAY: u64 = 86_400;
/// The time zone is unspecified: local time.
const UNSPECIFIED_ZONE: i16 = 0x7ff;

/// `EFI_TIME` of a time since 1970.
#[must_use]
pub fn encode(date: Duration) -> [u8; 16] {
    let seconds = date.as_secs() % DAY;
    let (year, month, day) = civil(date.as_secs() / DAY);
    let mut time = [0; 16];
    time[0..2].copy_from_slice(&(year as u16).to_le_bytes());
    time[2] = month;
    time[3] = day;
    time[4] = (seconds / 3600) as u8;
    time[5] = (seconds / 60 % 60) as u8;
    time[6] = (seconds % 60) as u8;
    time[8..12].copy_from_slice(&date.subsec_nanos().to_le_bytes());
    time[12..14].copy_from_slice(&UNSPECIFIED_ZONE.to_le_bytes());
    time
}

/// The time since 1970 of an `EFI_TIME`, unless a field is out of its range.
#[must_use]
pub fn decode(time: &[u8; 16]) -> Option<Duration> {
    let year = u64::from(u16::from_le_bytes([time[0], time[1]]));
    let [month, day, hour, minute, second] = [time[2], time[3], time[4], time[5], time[6]].map(u64::from);
    let nanosecond = u32::from_le_bytes([time[8], time[9], time[10], time[11]]);
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && nanosecond < 1_000_000_000;
    let days = days(year, month, day);
    (in_range && civil(days) == (year, month as u8, day as u8))
        .then(|| Duration::new(days * DAY + hour * 3600 + minute * 60 + second, nanosecond))
}

/// The days from 1970-01-01 to a date; years begin in March here, so that the leap day is a year's last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year.wrapping_sub(1) } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day;
    (year.wrapping_mul(365) + year / 4 - year / 100 + year / 400 + of_year).wrapping_sub(719_469)
}

/// The year, month and day of a day since 1970-01-01.
fn civil(day: u64) -> (u64, u8, u8) {
    let day = day + 719_468;
    let era = day / 146_097;
    let of_era = day % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let january_or_february = month >= 10;
    let month = if january_or_february { month - 9 } else { month + 3 };
    (era * 400 + year_of_era + u64::from(january_or_february), month as u8, of_month as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d @…`.
    const KNOWN: [(u64, (u16, [u8; 5])); 5] = [
        (0, (1970, [1, 1, 0, 0, 0])),
        (951_782_399, (2000, [2, 28, 23, 59, 59])),
        (951_868_799, (2000, [2, 29, 23, 59, 59])),
        (1_153_224_000, (2006, [7, 18, 12, 0, 0])),
        (4_107_542_400, (2100, [3, 1, 0, 0, 0])),
    ];

    #[test]
    fn dates_are_civil() {
        for (seconds, (year, rest)) in KNOWN {
            let time = encode(Duration::new(seconds, 5));
            assert_eq!(u16::from_le_bytes([time[0], time[1]]), year);
            assert_eq!(time[2..7], rest);
            assert_eq!(decode(&time), Some(Duration::new(seconds, 5)));
        }
    }

    #[test]
    fn impossible_dates_are_refused() {
        let good = encode(Duration::from_secs(1_153_224_000));
        for (byte, value) in [(1, 0), (2, 0), (2, 13), (3, 32), (4, 24), (5, 60), (6, 60), (11, 0xff)] {
            let mut time = good;
            time[byte] = value;
            assert_eq!(decode(&time), None, "byte {byte}");
        }
        let mut february = good;
        (february[2], february[3]) = (2, 29);
        assert_eq!(decode(&february), None);
    }
}
