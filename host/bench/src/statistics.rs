//! Statistics of measured times: medians with bootstrap intervals, ratios paired within rounds, and what can be told apart.
//!
//! Two questions are kept apart. *How much* is answered by the median of the ratios within rounds, with a percentile
//! bootstrap interval. *Whether at all* is answered more strictly: the interval must leave out 1 and the t test of the
//! logarithms of the ratios must reject at the level that remains after Holm's correction for the number of questions
//! asked, because an interval from few rounds is too narrow and many comparisons find a difference by chance.

use puruspe::betai;

/// The probability with which two equal strategies may be told apart, for all comparisons of a report together.
pub const LEVEL: f64 = 0.05;
/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;
/// The rounds below which nothing is told apart.
pub const ROUNDS_MIN: usize = 3;

/// A median and the interval that has it with a probability of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Estimate {
    /// Half the interval's width, as a part of the median.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0 / self.median.abs().max(f64::MIN_POSITIVE)
    }
}

/// The median; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    middle(&sorted)
}

/// The median of sorted values.
fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[half]),
        _ => Some(f64::midpoint(sorted[half - 1], sorted[half])),
    }
}

/// The median of some values, with its interval; `None` of nothing. The same values give the same interval.
#[must_use]
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    bootstrap(&[values], |samples| median(&samples[0]))
}

/// The ratio of the medians of two samples that are not paired, with its interval.
#[must_use]
pub fn ratio_of_medians(of: &[f64], to: &[f64]) -> Option<Estimate> {
    bootstrap(&[of, to], |samples| Some(median(&samples[0])? / median(&samples[1])?))
}

/// A statistic of samples, with the interval that resampling each of them gives.
fn bootstrap(samples: &[&[f64]], statistic: impl Fn(&[Vec<f64>]) -> Option<f64>) -> Option<Estimate> {
    let owned: Vec<Vec<f64>> = samples.iter().map(|sample| sample.to_vec()).collect();
    let median = statistic(&owned)?;
    let mut random = fastrand::Rng::with_seed(0x1a64);
    let mut found: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let resample = |sample: &&[f64]| sample.iter().map(|_| sample[random.usize(..sample.len())]).collect();
            let drawn: Vec<Vec<f64>> = samples.iter().map(resample).collect();
            statistic(&drawn)
        })
        .collect();
    found.sort_by(f64::total_cmp);
    let at = |part: f64| found[((found.len() - 1) as f64 * part).round() as usize];
    Some(Estimate { median, low: at(0.025), high: at(0.975) })
}

/// Two strategies compared.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// The ratio of the first to the second.
    pub ratio: Estimate,
    /// The probability of a difference as large as this one, if there is none.
    pub chance: f64,
    /// The rounds that have both.
    pub rounds: usize,
    /// The standard deviation of the logarithm of the ratio from round to round.
    pub spread: f64,
}

impl Comparison {
    /// Compares values of the same rounds: the ratio of each pair counts, so that what hits a whole round cancels.
    #[must_use]
    pub fn paired(pairs: &[(f64, f64)]) -> Option<Comparison> {
        let usable = pairs.iter().filter(|(of, to)| *of > 0.0 && *to > 0.0);
        let ratios: Vec<f64> = usable.map(|(of, to)| of / to).collect();
        let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
        let (mean, spread) = moments(&logarithms)?;
        let rounds = ratios.len();
        let error = spread / (rounds as f64).sqrt();
        Some(Comparison { ratio: estimate(&ratios)?, chance: chance(mean, error, rounds as f64 - 1.0), rounds, spread })
    }

    /// Compares values that have nothing to do with each other, such as those of two builds (Welch's test).
    #[must_use]
    pub fn unpaired(of: &[f64], to: &[f64]) -> Option<Comparison> {
        let logarithms = |values: &[f64]| values.iter().filter(|value| **value > 0.0).map(|value| value.ln()).collect();
        let (of_logarithms, to_logarithms): (Vec<f64>, Vec<f64>) = (logarithms(of), logarithms(to));
        let ((of_mean, of_spread), (to_mean, to_spread)) = (moments(&of_logarithms)?, moments(&to_logarithms)?);
        let (of_count, to_count) = (of_logarithms.len() as f64, to_logarithms.len() as f64);
        let (of_part, to_part) = (of_spread.powi(2) / of_count, to_spread.powi(2) / to_count);
        let below = of_part.powi(2) / (of_count - 1.0) + to_part.powi(2) / (to_count - 1.0);
        let freedom = if below > 0.0 { (of_part + to_part).powi(2) / below } else { of_count + to_count - 2.0 };
        let error = (of_part + to_part).sqrt();
        Some(Comparison {
            ratio: ratio_of_medians(of, to)?,
            chance: chance(of_mean - to_mean, error, freedom),
            rounds: of.len().min(to.len()),
            spread: of_spread.hypot(to_spread),
        })
    }

    /// Whether the two can be told apart at a level.
    #[must_use]
    pub fn differs_at(&self, level: f64) -> bool {
        let without_one = self.ratio.low > 1.0 || self.ratio.high < 1.0;
        self.rounds >= ROUNDS_MIN && without_one && self.chance < level
    }

    /// About how many rounds it takes to tell apart what differs by a part of `difference`, such as 0.02, with a power of
    /// nine in ten.
    #[must_use]
    pub fn rounds_for(&self, difference: f64) -> usize {
        // The normal quantiles of 97.5 % and 90 %; two rounds more because the spread is estimated.
        const QUANTILES: f64 = 1.96 + 1.28;
        let rounds = (QUANTILES * self.spread / difference.ln_1p()).powi(2).ceil();
        (rounds as usize).saturating_add(2).max(ROUNDS_MIN)
    }
}

/// Which of some comparisons tell their two apart, at [`LEVEL`] for all together (Holm's correction).
#[must_use]
pub fn told_apart(comparisons: &[Comparison]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..comparisons.len()).collect();
    order.sort_by(|a, b| comparisons[*a].chance.total_cmp(&comparisons[*b].chance));
    let mut apart = vec![false; comparisons.len()];
    for (done, index) in order.into_iter().enumerate() {
        let level = LEVEL / (comparisons.len() - done) as f64;
        if comparisons[index].chance >= level {
            break;
        }
        apart[index] = comparisons[index].differs_at(level);
    }
    apart
}

/// Mean and standard deviation of at least two values.
fn moments(values: &[f64]) -> Option<(f64, f64)> {
    let count = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (squares / (count - 1.0)).sqrt()))
}

/// The probability of a mean this far from 0 by chance (two-sided t test).
fn chance(mean: f64, error: f64, freedom: f64) -> f64 {
    if error <= 0.0 {
        return if mean == 0.0 { 1.0 } else { 0.0 };
    }
    // Student's distribution by the incomplete beta function.
    betai(freedom / 2.0, 0.5, freedom / (freedom + (mean / error).powi(2)))
}

/// How much values scatter: the median distance from their median, as a part of it.
#[must_use]
pub fn scatter(values: &[f64]) -> f64 {
    let Some(center) = median(values).filter(|center| *center > 0.0) else { return 0.0 };
    let distances: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    median(&distances).unwrap_or_default() / center
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A standard normal value (Box and Muller).
    fn normal(random: &mut fastrand::Rng) -> f64 {
        (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
    }

    #[test]
    fn medians_are_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert!((scatter(&[9.0, 10.0, 11.0]) - 0.1).abs() < 1e-12);
    }

    /// Of values from a known distribution, about 95 in 100 intervals have the true median.
    fn coverage(count: usize, draw: impl Fn(&mut fastrand::Rng) -> f64, truth: f64) -> usize {
        let mut random = fastrand::Rng::with_seed(count as u64);
        (0..400)
            .filter(|_| {
                let values: Vec<f64> = (0..count).map(|_| draw(&mut random)).collect();
                let found = estimate(&values).expect("values");
                (found.low..=found.high).contains(&truth)
            })
            .count()
    }

    #[test]
    fn intervals_have_the_median_of_known_distributions() {
        for count in [10, 25] {
            let normal = coverage(count, |random| 10.0 + normal(random), 10.0);
            let exponential = coverage(count, |random| -(1.0 - random.f64()).ln(), 2.0_f64.ln());
            let uniform = coverage(count, fastrand::Rng::f64, 0.5);
            for covered in [normal, exponential, uniform] {
                assert!((364..=396).contains(&covered), "{covered} of 400 with {count} values");
            }
        }
    }

    #[test]
    fn the_t_test_agrees_with_tables() {
        // Student's t, two-sided 5 %: 2.776 at 4 degrees of freedom, 2.262 at 9.
        assert!((chance(2.776, 1.0, 4.0) - 0.05).abs() < 1e-4);
        assert!((chance(-2.262, 1.0, 9.0) - 0.05).abs() < 1e-4);
        assert_eq!((chance(0.0, 0.0, 4.0), chance(1.0, 0.0, 4.0)), (1.0, 0.0));
    }

    /// Rounds of two strategies whose true ratio is `ratio`, on a host that drifts by a fifth and is noisy by a part of 3 %.
    fn rounds(random: &mut fastrand::Rng, count: usize, ratio: f64, tail: bool) -> Vec<(f64, f64)> {
        (0..count)
            .map(|round| {
                let drift = 1.0 + 0.2 * round as f64 / count as f64;
                let mut noise = || {
                    let wild = if tail && random.f64() < 0.1 { 5.0 } else { 1.0 };
                    (0.03 * wild * normal(random)).exp()
                };
                (drift * ratio * noise(), drift * noise())
            })
            .collect()
    }

    #[test]
    fn equal_strategies_are_not_told_apart_in_95_of_100_runs() {
        for (count, tail) in [(3, false), (5, false), (10, false), (10, true), (20, true)] {
            let mut random = fastrand::Rng::with_seed(7 + count as u64);
            let wrong = (0..1000)
                .filter(|_| {
                    let found = Comparison::paired(&rounds(&mut random, count, 1.0, tail)).expect("rounds");
                    found.differs_at(LEVEL)
                })
                .count();
            assert!(wrong <= 60, "{wrong} of 1000 with {count} rounds");
        }
    }

    #[test]
    fn eight_equal_strategies_are_all_alike_in_95_of_100_runs() {
        let mut random = fastrand::Rng::with_seed(3);
        let wrong = (0..300).filter(|_| {
            let seven: Vec<Comparison> =
                (0..7).filter_map(|_| Comparison::paired(&rounds(&mut random, 8, 1.0, false))).collect();
            told_apart(&seven).contains(&true)
        });
        let wrong = wrong.count();
        assert!(wrong <= 21, "{wrong} of 300");
    }

    #[test]
    fn what_differs_is_told_apart_with_the_rounds_foretold() {
        let mut random = fastrand::Rng::with_seed(11);
        let foretold = Comparison::paired(&rounds(&mut random, 200, 1.0, false)).expect("rounds").rounds_for(0.05);
        assert!((7..=15).contains(&foretold), "{foretold}");
        let found = (0..200).filter(|_| {
            let compared = Comparison::paired(&rounds(&mut random, foretold, 1.05, false));
            compared.is_some_and(|compared| compared.differs_at(LEVEL))
        });
        let found = found.count();
        assert!(found >= 160, "{found} of 200 with {foretold} rounds");
    }

    #[test]
    fn a_drift_of_the_host_cancels_in_pairs() {
        let pairs: Vec<(f64, f64)> = (1..=6).map(|round| (f64::from(round) * 1.1, f64::from(round))).collect();
        let found = Comparison::paired(&pairs).expect("rounds");
        assert!((found.ratio.median - 1.1).abs() < 1e-9 && found.spread < 1e-9, "{found:?}");
        assert!(found.differs_at(LEVEL));
    }

    #[test]
    fn unpaired_samples_of_the_same_are_not_told_apart() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut sample = |center: f64| (0..8).map(|_| center * (0.03 * normal(&mut random)).exp()).collect::<Vec<_>>();
        let wrong = (0..500).filter(|_| {
            let compared = Comparison::unpaired(&sample(2.0), &sample(2.0));
            compared.is_some_and(|compared| compared.differs_at(LEVEL))
        });
        assert!(wrong.count() <= 35);
        let different = Comparison::unpaired(&sample(2.4), &sample(2.0)).expect("samples");
        assert!(different.differs_at(LEVEL) && (different.ratio.median - 1.2).abs() < 0.06, "{different:?}");
    }
}
