internal import Dispatch
internal import Glibc

/// Turns SIGINT, SIGTERM and SIGHUP into calls while it lives.
final class Interruption {
    private var sources: [any DispatchSourceSignal] = []

    /// `handler` is called on a queue of its own, once for each signal.
    init(_ handler: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "cyto-pipe.signals")
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler(handler: handler)
            source.resume()
            sources.append(source)
        }
        // A reader that goes away must not take the run along.
        signal(SIGPIPE, SIG_IGN)
    }

    func end() {
        for source in sources { source.cancel() }
        sources = []
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_DFL) }
    }
}
