//! How much of its throughput a well-behaved client keeps.
//!
//! In each window clients of the service and as many of a control, a service like it that nobody
//! attacks, ask at the same time: what else the machine does befalls both alike, so that the quotient
//! of the two tells what the attack costs inside the service. It is taken with attackers and without,
//! in turn, and the medians are compared.

use std::time::Duration;

use crate::at::At;
use crate::directory::Directory;
use crate::honest::Honest;
use crate::serving::{Service, endpoint};
use crate::siege::Siege;

/// Well-behaved clients keep so much.
pub(crate) const HALF: f64 = 0.5;

pub(crate) struct Throughput {
    control: Option<Control>,
    window: Duration,
    without: Vec<f64>,
    with: Vec<f64>,
}

struct Control {
    honest: Honest,
    _service: Service,
    _directory: Directory,
}

impl Throughput {
    pub(crate) fn new(siege: &Siege, window: Duration, has_control: bool) -> Self {
        let control = has_control.then(|| {
            let directory = Directory::new();
            let service = Service::start(&endpoint(siege.cell, &directory), &siege.told);
            let mut honest = Honest::connect(&At::parse(&service.endpoint));
            honest.ask(window);
            Control { honest, _service: service, _directory: directory }
        });
        Self { control, window, without: Vec::new(), with: Vec::new() }
    }

    /// Another window.
    pub(crate) fn measure(&mut self, honest: &mut Honest, is_attacked: bool) {
        let window = self.window;
        let quotient = match &mut self.control {
            None => honest.ask(window),
            Some(control) => std::thread::scope(|scope| {
                let beside = scope.spawn(|| control.honest.ask(window));
                honest.ask(window) / beside.join().unwrap()
            }),
        };
        if is_attacked { &mut self.with } else { &mut self.without }.push(quotient);
    }

    /// The share that is kept.
    pub(crate) fn kept(&self) -> f64 {
        median(&self.with) / median(&self.without)
    }
}

fn median(all: &[f64]) -> f64 {
    let mut all = all.to_vec();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
