//! A subscriber that remembers spans and events.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// What was seen, to be looked at afterwards.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    open: BTreeMap<u64, Span>,
    closed: Vec<Span>,
    events: Vec<Told>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Span {
    pub(crate) name: &'static str,
    pub(crate) parent: Option<&'static str>,
    pub(crate) fields: Fields,
    pub(crate) is_closed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The names of the spans around it, from the outermost.
    pub(crate) within: Vec<&'static str>,
    pub(crate) fields: Fields,
}

pub(crate) type Fields = BTreeMap<&'static str, String>;

struct Reader<'a>(&'a mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.into());
    }
}

impl Seen {
    /// Looks at what this thread tells until the guard is dropped.
    pub(crate) fn look(&self, filter: &str) -> tracing::subscriber::DefaultGuard {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        let subscriber = tracing_subscriber::registry().with(filter).with(self.clone());
        tracing::subscriber::set_default(subscriber)
    }

    /// The spans of this name.
    pub(crate) fn spans(&self, name: &str) -> Vec<Span> {
        let seen = self.0.lock().unwrap();
        let all = seen.closed.iter().chain(seen.open.values());
        all.filter(|span| span.name == name).cloned().collect()
    }

    /// The events with this message.
    pub(crate) fn events(&self, message: &str) -> Vec<Told> {
        let seen = self.0.lock().unwrap();
        let is_wanted = |told: &&Told| told.fields.get("message").is_some_and(|is| is == message);
        seen.events.iter().filter(is_wanted).cloned().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        let seen = self.0.lock().unwrap();
        seen.open.is_empty() && seen.closed.is_empty() && seen.events.is_empty()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Reader(&mut fields));
        let parent = context.span(id).and_then(|span| span.parent()).map(|span| span.name());
        let span = Span { name: attributes.metadata().name(), parent, fields, is_closed: false };
        self.0.lock().unwrap().open.insert(id.into_u64(), span);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, _: Context<'_, S>) {
        if let Some(span) = self.0.lock().unwrap().open.get_mut(&id.into_u64()) {
            record.record(&mut Reader(&mut span.fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::new();
        event.record(&mut Reader(&mut fields));
        let scope = context.event_scope(event);
        let within = scope.map(|spans| spans.from_root().map(|span| span.name()).collect());
        self.0.lock().unwrap().events.push(Told { within: within.unwrap_or_default(), fields });
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut seen = self.0.lock().unwrap();
        if let Some(span) = seen.open.remove(&id.into_u64()) {
            seen.closed.push(Span { is_closed: true, ..span });
        }
    }
}
