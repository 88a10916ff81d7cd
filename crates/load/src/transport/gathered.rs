//! Small requests written as one piece.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is written together is put together up to this size: copying so much costs less than handing the system a list.
const TOGETHER_BYTES_MAX: usize = 16 * 1024;

/// A stream that writes a head and a small body as one piece, and large ones where they lie.
#[derive(Debug)]
pub(super) struct Gathered<S> {
    stream: S,
    together: Vec<u8>,
}

impl<S> Gathered<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, together: Vec::new() }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, together } = self.get_mut();
        let stream = Pin::new(stream);
        match pieces {
            [one] => stream.poll_write(context, one),
            several if several.iter().map(|piece| piece.len()).sum::<usize>() <= TOGETHER_BYTES_MAX => {
                together.clear();
                several.iter().for_each(|piece| together.extend_from_slice(piece));
                stream.poll_write(context, together)
            }
            several => stream.poll_write_vectored(context, several),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Takes as much at a time as it has room for, and says of each write how much that was and whether it was a list.
    #[derive(Debug, Default)]
    struct Target {
        room: usize,
        written: Vec<u8>,
        writes: Vec<(usize, bool)>,
    }

    impl Target {
        fn take(&mut self, bytes: &[u8], is_list: bool) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.room);
            self.written.extend_from_slice(&bytes[..taken]);
            self.writes.push((taken, is_list));
            Poll::Ready(Ok(taken))
        }
    }

    impl AsyncWrite for Target {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.take(bytes, false)
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            pieces: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
            self.take(&all, true)
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn written(room: usize, pieces: [&[u8]; 2]) -> (usize, Target) {
        let mut gathered = Gathered::new(Target { room, ..Target::default() });
        let taken = gathered.write_vectored(&pieces.map(IoSlice::new)).await.unwrap();
        (taken, gathered.stream)
    }

    #[tokio::test]
    async fn a_head_and_a_small_body_are_one_write() {
        let (taken, target) = written(100, [b"head ", b"body"]).await;
        assert_eq!((taken, target.written.as_slice(), target.writes), (9, &b"head body"[..], vec![(9, false)]));
    }

    #[tokio::test]
    async fn what_did_not_fit_is_left_to_whoever_writes() {
        let (taken, target) = written(7, [b"head ", b"body"]).await;
        assert_eq!((taken, target.written.as_slice()), (7, &b"head bo"[..]));
    }

    #[tokio::test]
    async fn a_large_body_is_written_where_it_lies() {
        let body = vec![b'x'; TOGETHER_BYTES_MAX];
        let (taken, target) = written(usize::MAX, [b"head ", &body]).await;
        assert_eq!((taken, target.writes), (body.len() + 5, vec![(body.len() + 5, true)]));
    }
}
