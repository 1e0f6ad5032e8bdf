//! What counts for a health gate (trust §9). The gate acts alone, so nobody may move it from one place.
//!
//! Sample: installs that switched to the release ([`DeviceState::Applied`](headgate_core::status::DeviceState::Applied)
//! or later), were offered it, and were seen before its attempt began. A device that only downloaded says nothing about
//! the start. Failures: those of them that rolled back.
//!
//! Of one network at most 3 installs or 1 % of all others' count, its failures in the same proportion, so an honest
//! network's rate stays what it is. Then the network with the most failures is left out: for small samples even 3 of 50
//! would pass a limit of 2 %, so a cap alone does not stop one network from tripping the gate. The price: a fleet behind
//! one or two addresses cannot trip it either; its operator turns the cap off.

/// Networks up to this size are never cut.
const ALWAYS: u64 = 3;

/// Installs of one network that count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Sample.
    pub(crate) sample: u64,
    /// Failures.
    pub(crate) failures: u64,
}

/// Most installs of one network that count, from the sample of all networks and of the largest one. The largest is left
/// out, else who floods would raise the cap too.
pub(crate) fn cap(all: u64, largest: u64) -> u64 {
    ALWAYS.max(all.saturating_sub(largest) / 100)
}

/// What counts in all: `heavy` are the networks above the cap, `worst` the one of the others that failed most.
pub(crate) fn counted(all: Counts, cap: u64, heavy: &[Counts], worst: Counts) -> Counts {
    let (mut sample, mut failures) = (all.sample, all.failures * 1000);
    let mut left_out = (worst.failures * 1000, worst.sample);
    for network in heavy {
        let scaled = network.failures * 1000 * cap / network.sample.max(1);
        sample = sample.saturating_sub(network.sample) + cap;
        failures = failures.saturating_sub(network.failures * 1000) + scaled;
        left_out = left_out.max((scaled, cap));
    }
    if left_out.0 > 0 {
        failures = failures.saturating_sub(left_out.0);
        sample = sample.saturating_sub(left_out.1);
    }
    Counts {
        sample,
        failures: failures / 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the database finds them, from all networks.
    fn count(networks: &[(u64, u64)]) -> Counts {
        let all = Counts {
            sample: networks.iter().map(|n| n.0).sum(),
            failures: networks.iter().map(|n| n.1).sum(),
        };
        let cap = cap(
            all.sample,
            networks.iter().map(|n| n.0).max().unwrap_or_default(),
        );
        let of = |&(sample, failures): &(u64, u64)| Counts { sample, failures };
        let heavy: Vec<Counts> = networks.iter().filter(|n| n.0 > cap).map(of).collect();
        let light = networks.iter().filter(|n| n.0 <= cap).map(of);
        let worst = light.max_by_key(|c| c.failures).unwrap_or_default();
        counted(all, cap, &heavy, worst)
    }

    #[test]
    fn an_even_fleet_keeps_its_rate() {
        let fleet = vec![(10, 1); 100];
        let got = count(&fleet);
        assert_eq!((got.sample, got.failures), (99 * 9, 89));
        let offices = vec![(100, 10); 30];
        let got = count(&offices);
        assert_eq!((got.sample, got.failures), (29 * 29, 84));
    }

    proptest! {
        #[test]
        fn one_network_moves_nothing_alone(honest in prop::collection::vec(1_u64..20, 0..200), size in 1_u64..100_000) {
            let mut networks: Vec<(u64, u64)> = honest.into_iter().map(|n| (n, 0)).collect();
            let sample: u64 = networks.iter().map(|n| n.0).sum();
            networks.push((size, size));
            let got = count(&networks);
            prop_assert_eq!(got.failures, 0);
            prop_assert!(got.sample <= sample);
        }

        #[test]
        fn never_more_failures_than_installs(networks in prop::collection::vec((0_u64..500, 0_u64..500), 0..60)) {
            let networks: Vec<(u64, u64)> = networks.into_iter().map(|(a, b)| (a.max(b), a.min(b))).collect();
            let got = count(&networks);
            prop_assert!(got.failures <= got.sample);
            prop_assert!(got.sample <= networks.iter().map(|n| n.0).sum());
        }
    }
}
