/// A place that can be found again in another image of the same object.
public struct Keypoint: Sendable, Equatable {
    /// In pixels of the image.
    public var position: PlanarPoint
    /// Standard deviation of the matching Gaussian, in pixels.
    public var scalePx: Float
    /// Direction of the strongest change around it; turns the row axis towards the column axis (see `RigidTransform`).
    public var angleRad: Float
    /// The determinant of the Hessian, gray levels counted from 0 to 1.
    public var response: Float
    /// The sign of the Laplacian: 1 for a dark spot on bright ground, −1 for a bright one.
    public var laplacian: Int8

    public init(position: PlanarPoint, scalePx: Float, angleRad: Float, response: Float, laplacian: Int8) {
        self.position = position
        self.scalePx = scalePx
        self.angleRad = angleRad
        self.response = response
        self.laplacian = laplacian
    }
}

/// The keypoints of an image with their descriptors.
public struct KeypointSet: Sendable, Equatable {
    /// Strongest first.
    public var keypoints: [Keypoint]
    /// `keypoints.count × 64`, each row of length 1.
    public var descriptors: [Float]

    /// Numbers a descriptor has.
    public static let descriptorLength = 64

    public init(keypoints: [Keypoint], descriptors: [Float]) {
        precondition(
            descriptors.count == keypoints.count * KeypointSet.descriptorLength,
            "\(keypoints.count) keypoints need \(keypoints.count * 64) descriptor elements, not \(descriptors.count).")
        self.keypoints = keypoints
        self.descriptors = descriptors
    }

    public var count: Int { keypoints.count }
}

extension KeypointSet {
    /// The descriptors that the same keypoints have in the mirrored image, without looking at it again.
    ///
    /// A mirroring keeps a keypoint's own axis and turns the other around: the four cells across swap their order and the
    /// sums of differences across change their sign.
    public var mirroredDescriptors: [Float] {
        var mirrored = [Float](repeating: 0, count: descriptors.count)
        for keypoint in 0..<count {
            for along in 0..<4 {
                for across in 0..<4 {
                    let source = keypoint * 64 + (along * 4 + across) * 4
                    let target = keypoint * 64 + (along * 4 + 3 - across) * 4
                    mirrored[target] = descriptors[source]
                    mirrored[target + 1] = descriptors[source + 1]
                    mirrored[target + 2] = -descriptors[source + 2]
                    mirrored[target + 3] = descriptors[source + 3]
                }
            }
        }
        return mirrored
    }
}
