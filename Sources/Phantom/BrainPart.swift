/// The parts of a brain that the cortex pipeline leaves out (Methods 3.2: taken out by hand), as a voxel of `parts` names them.
public enum BrainPart: UInt8, Sendable, CaseIterable {
    /// Cortex, its white matter, and the slide.
    case cerebrum = 0
    /// Deep nuclei, ventricles, and the white body that joins the hemispheres.
    case subcortex = 1
    case cerebellum = 2
    case brainstem = 3
}
