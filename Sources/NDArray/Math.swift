internal import Glibc

/// The C library's real functions, so that a file needs no import of a platform's module.
public enum Math {
    public static func log(_ x: Double) -> Double { Glibc.log(x) }
    public static func exp(_ x: Double) -> Double { Glibc.exp(x) }
    public static func sin(_ x: Double) -> Double { Glibc.sin(x) }
    public static func cos(_ x: Double) -> Double { Glibc.cos(x) }
    public static func atan2(_ y: Double, _ x: Double) -> Double { Glibc.atan2(y, x) }
    public static func pow(_ base: Double, _ exponent: Double) -> Double { Glibc.pow(base, exponent) }
    public static func expf(_ x: Float) -> Float { Glibc.expf(x) }
    public static func erf(_ x: Double) -> Double { Glibc.erf(x) }
    public static func powf(_ base: Float, _ exponent: Float) -> Float { Glibc.powf(base, exponent) }
}
