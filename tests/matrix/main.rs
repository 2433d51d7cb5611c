//! The main job: its observer convicts every false claim and nothing else, and its report is
//! what it says it is.

mod child;
mod claims;
mod liar;

#[path = "../../examples/matrix/observe/mod.rs"]
mod observe;
#[path = "../../examples/matrix/report.rs"]
mod report;
#[path = "../../examples/matrix/speed.rs"]
mod speed;
#[path = "../../examples/matrix/watch.rs"]
mod watch;
