//! Work on people on many threads, with the results in the order of people.

use std::ops::Range;
use std::sync::mpsc::sync_channel;

/// How many results a thread may be ahead.
const AHEAD_MAX: usize = 4;

/// Does `work` for each of `users` on `threads` threads and hands the results to `take` in the order of users. Thread `t`
/// does every `threads`-th person; one that is ahead waits, so that few results are held at any time.
pub fn in_order<T: Send>(users: Range<u32>, threads: usize, work: impl Fn(u32) -> T + Sync, mut take: impl FnMut(T)) {
    let threads = threads.clamp(1, users.len().max(1));
    std::thread::scope(|scope| {
        let work = &work;
        let queues: Vec<_> = (0..threads)
            .map(|thread| {
                let (sender, queue) = sync_channel(AHEAD_MAX);
                let mut users = users.clone().skip(thread).step_by(threads);
                // The receiver is gone only when the other side panics: nobody needs the rest.
                scope.spawn(move || users.try_for_each(|user| sender.send(work(user))));
                queue
            })
            .collect();
        for queue in queues.iter().cycle().take(users.len()) {
            take(queue.recv().expect("a thread sends as many results as it has people"));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        for threads in [1, 2, 3, 16] {
            let mut results = Vec::new();
            in_order(5..25, threads, |user| user * 2, |result| results.push(result));
            assert!(results.iter().copied().eq((5..25).map(|user| user * 2)), "{threads} threads");
        }
        in_order(3..3, 4, |_| (), |()| panic!("there is nobody"));
    }
}
