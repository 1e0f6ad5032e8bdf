//! What is counted for operators, in the text format of Prometheus (OpenMetrics 1.0).

use std::time::Duration;

use headgate_core::status::Dialect;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::check::Reply;
use crate::source::{Health, Polled};
use crate::telemetry::Counters;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabels {
    dialect: &'static str,
    answer: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabels {
    dialect: &'static str,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AppLabels {
    app: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PollLabels {
    app: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithheldLabels {
    app: String,
    channel: String,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChannelLabels {
    app: String,
    channel: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    listener: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    listener: &'static str,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FateLabels {
    fate: &'static str,
}

/// Counts of a server. The labels are few: no install, no address and no path that a client chose is among them.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    checks: Family<CheckLabels, Counter>,
    nothing: Family<WhyLabels, Counter>,
    polls: Family<PollLabels, Counter>,
    poll_age: Family<AppLabels, Gauge>,
    poll_failures: Family<AppLabels, Gauge>,
    withheld: Family<WithheldLabels, Gauge>,
    trips: Family<ChannelLabels, Counter>,
    events: Family<FateLabels, Gauge>,
    shed: Counter,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    panics: Counter,
    connections: Gauge,
}

/// Upper bounds of the buckets, seconds.
const BUCKETS: [f64; 11] = [
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0,
];

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("headgate"),
            checks: Family::default(),
            nothing: Family::default(),
            polls: Family::default(),
            poll_age: Family::default(),
            poll_failures: Family::default(),
            withheld: Family::default(),
            trips: Family::default(),
            events: Family::default(),
            shed: Counter::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            panics: Counter::default(),
            connections: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let r = &mut self.registry;
        r.register(
            "checks",
            "Check-ins by dialect and answer",
            self.checks.clone(),
        );
        r.register(
            "nothing",
            "Check-ins that got nothing, by reason",
            self.nothing.clone(),
        );
        r.register("polls", "Polls of registries by result", self.polls.clone());
        r.register(
            "poll_age_seconds",
            "Seconds since a registry was read with success; -1 = never",
            self.poll_age.clone(),
        );
        r.register(
            "poll_failures",
            "Polls of a registry that failed since the last success",
            self.poll_failures.clone(),
        );
        r.register(
            "channel_withheld",
            "1 for a channel that offers nothing, by reason",
            self.withheld.clone(),
        );
        r.register(
            "gate_trips",
            "Rollouts that a health gate stopped",
            self.trips.clone(),
        );
        r.register(
            "telemetry_events",
            "Events by what became of them since the start",
            self.events.clone(),
        );
        r.register(
            "telemetry_shed",
            "Events of networks over their rate that were answered and not stored",
            self.shed.clone(),
        );
        r.register(
            "requests",
            "Requests by listener, route and status",
            self.requests.clone(),
        );
        r.register(
            "request_duration_seconds",
            "Time until a response began",
            self.durations.clone(),
        );
        r.register(
            "panics",
            "Requests that failed by a defect",
            self.panics.clone(),
        );
        r.register("connections", "Open connections", self.connections.clone());
    }

    pub(crate) fn checked(&self, dialect: Dialect, reply: &Reply) {
        let dialect = dialect.text();
        let answer = match reply {
            Reply::Release(_) => "release",
            Reply::UpToDate => "up_to_date",
            Reply::Embedded => "embedded",
            Reply::Nothing(why) => {
                let why = why.clone();
                self.nothing
                    .get_or_create(&WhyLabels { dialect, why })
                    .inc();
                "nothing"
            }
        };
        self.checks
            .get_or_create(&CheckLabels { dialect, answer })
            .inc();
    }

    pub(crate) fn polled(&self, app: &str, polled: &Polled) {
        let result = match polled {
            Polled::Unchanged => "unchanged",
            Polled::Changed => "changed",
            Polled::Failed => "failed",
        };
        let app = app.to_owned();
        self.polls.get_or_create(&PollLabels { app, result }).inc();
    }

    pub(crate) fn tripped(&self, app: &str, channel: &str) {
        let (app, channel) = (app.to_owned(), channel.to_owned());
        self.trips
            .get_or_create(&ChannelLabels { app, channel })
            .inc();
    }

    pub(crate) fn shed(&self, events: u64) {
        self.shed.inc_by(events);
    }

    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    pub(crate) fn connected(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }

    /// A request that was answered. The route is a pattern, never what a client sent.
    pub(crate) fn answered(
        &self,
        listener: &'static str,
        route: &str,
        status: u16,
        took: Duration,
    ) {
        let route = route.to_owned();
        let labels = RouteLabels {
            listener,
            route: route.clone(),
        };
        self.durations
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        let labels = RequestLabels {
            listener,
            route,
            status,
        };
        self.requests.get_or_create(&labels).inc();
    }

    /// All of it as text.
    pub fn text(&self, health: &[Health], counters: Counters, now: i64) -> String {
        self.poll_age.clear();
        self.poll_failures.clear();
        self.withheld.clear();
        for registry in health {
            let labels = AppLabels {
                app: registry.app.clone(),
            };
            let age = registry.verified.map_or(-1, |at| (now - at.unix()).max(0));
            self.poll_age.get_or_create(&labels).set(age);
            let failures = i64::from(registry.failures);
            self.poll_failures.get_or_create(&labels).set(failures);
            for (channel, why) in &registry.withheld {
                let labels = WithheldLabels {
                    app: registry.app.clone(),
                    channel: channel.clone(),
                    why: why.clone(),
                };
                self.withheld.get_or_create(&labels).set(1);
            }
        }
        for (fate, count) in [
            ("dropped", counters.dropped),
            ("unknown", counters.unknown),
            ("written", counters.written),
        ] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.events.get_or_create(&FateLabels { fate }).set(count);
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}
