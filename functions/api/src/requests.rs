//! What every route does with every request, tried through this API's routes.

mod callers;
mod list_queries;
mod logs;
mod problems;
mod replays;
