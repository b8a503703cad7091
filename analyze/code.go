package analyze

// A Severity ranks findings.
type Severity uint8

const (
	Note    Severity = iota // context
	Warning                 // fails or loses data with some clients or on some paths
	Error                   // fails with any conforming client
)

var severityNames = [...]string{Note: "note", Warning: "warning", Error: "error"}

func (s Severity) String() string {
	return severityNames[s]
}

// A Code names a kind of finding. Its texts are in the catalogue.
type Code uint8

const (
	// Answers other than 101.
	Status200 Code = iota
	CaptivePortal
	TransparentProxy
	Status400
	Status401
	Status403
	Status403Origin
	Status403UpgradeDisabled
	Status404
	Status405
	Status407
	Status408
	Status411
	Status421
	Status426
	Status429
	Status500
	Status501
	Status502
	Status503
	Status504
	Status505
	Status52xCDN
	StatusOther
	SocketIOSessionUnknown
	ClientAcceptsNon101
	ResponseNotHTTP
	HTTPResponseAfter101

	// No answer.
	TCPRSTAfterRequest
	TCPFINWithoutResponse
	RequestNeverAcked
	HTTPRequestUnanswered
	ClientGaveUpEarly

	// TCP.
	TCPRetransmissionDiffers
	TCPUrgentData

	// The request.
	RequestUpgradeMissing
	RequestConnectionLacksUpgrade
	RequestConnectionMultiToken
	RequestUpgradeWrongCase
	RequestUpgradeDuplicatedToken
	RequestHTTP10
	RequestHostMissing
	RequestHostInvalid
	RequestHostDefaultPort
	RequestMethodNotGET
	RequestLineMalformed
	RequestAbsoluteForm
	ConnectTunnelRefused
	KeyMissing
	KeyNot16Bytes
	KeyNonCanonicalBase64
	KeyWithStrayWhitespace
	KeyDuplicated
	KeyReused
	KeyKnownConstant
	KeyLowEntropy
	VersionMissing
	VersionNot13
	RequestFieldDuplicated
	ExtensionsRequestMalformed
	SubprotocolListMalformed
	EarlyClientData
	RequestHeaderTooLarge
	HopHeaderStrippedRequest

	// The 101.
	AcceptMissingCode
	AcceptMismatchCode
	AcceptBelongsToOtherFlow
	AcceptWrongGUID
	AcceptOfDecodedKey
	AcceptHexDigest
	AcceptEncodingVariant
	AcceptKeyTrimVariant
	AcceptWrongHash
	AcceptEchoesKey
	AcceptSurroundingWhitespace
	AcceptDuplicated
	AcceptOKButClientRefuses
	RSTRightAfter101
	ResponseUpgradeMissing
	ResponseUpgradeNotWebSocket
	ResponseUpgradeDuplicated
	ResponseConnectionMissing
	ResponseConnectionMultiToken
	ResponseTokenLowerCase
	ResponseHeaderNamesLowerCase
	ResponseHeaderNameOddCase
	NoSpaceAfterColon
	MultipleSpacesAfterColon
	SpaceBeforeColon
	HeaderLineWithoutColon
	HeaderInvalidByte
	EmptyHeaderValue
	LFOnlyLineEndings
	ObsFold
	ExtraCRLFAfterHead
	HeadNotTerminated
	StatusLineNoReason
	StatusLineCustomReason
	ResponseHTTP10
	ContentLengthOn101
	TransferEncodingOn101
	SubprotocolMissing
	SubprotocolNotOffered
	SubprotocolMultiple
	SubprotocolEmptyHeader
	SubprotocolUnknownThenSilent
	ExtensionNotOffered
	DeflateBadParameter
	ResponseHeadOversize
	ResponseSplitOverSegments
	FirstFrameCoalesced
	FirstFrameDelayedByClient
	SwitchedWithoutValidRequest

	// Redirects.
	RedirectNotFollowed
	RedirectTargetUnknown
	RedirectTargetRefuses
	RedirectHTTPToHTTPS
	RedirectToLogin
	RedirectHostPortNormalisation
	RedirectToItself
	RedirectLocationMissing
	RedirectLocationInvalid
	RedirectRelativeLocation
	RedirectSchemeUnusable
	RedirectStatusUnsupported
	RedirectLoop
	RedirectTLSDowngrade

	// TLS.
	PlainToTLSPort
	TLSToPlainPort
	TLSAlertCode
	TLSHandshakeFailure
	TLSNoSharedVersion
	TLSNameUnknown
	TLSSNIMissing
	TLSALPNNoneAgreed
	TLSALPNH2
	TLSHostNotSNI
	TLSClientCertRequired
	TLSCertUntrusted
	TLSCertDate
	TLSClientClock
	TLSCertName
	TLSChainOrder
	TLSRejectedByClient
	TLSClientStopsAfterCertificate
	TLSHandshakeAbandoned
	TLSHandshakeCut
	TLSHandshakeStalls
	TLSHelloBlackhole
	ServerLargeSegmentsLost
	TLSResumptionRefused
	TLSCloseNotifyMissing
	TLSMITMSuspected
	TLSOpaqueLikelyRejected
	TLSOpaqueLikelyUpgraded

	// HTTP/2.
	H2ClassicUpgrade
	H2RequestMalformed
	H2ConnectNotAnnounced
	H2ResponseMalformed
	H2StreamReset
	H2GoAway

	// Several attempts together.
	MassDisconnect
	ReconnectStorm
	ServerFailsForAll
	ClientFailsEverywhere
	IdleTimeoutFixedTimer
	TLSIntermittentByPOP

	numCodes
)

// An Entry is the catalogue's page on a code. In Sentence and Remedy, {got},
// {want}, {field} and {side} stand for the parts of a Finding.
type Entry struct {
	Name     string   // as printed, in kebab case
	Severity Severity // unless the finding says otherwise
	RFC      string   // the rule's source, "" if there is none
	Sentence string   // what was seen, for the reader of a report
	Remedy   string   // what to do about it
	Wire     string   // what it looks like on the wire
	Causes   string   // who is known to do this
}

// Entry returns the catalogue's page on the code.
func (c Code) Entry() Entry { return catalogue[c] }

func (c Code) String() string { return catalogue[c].Name }

// Codes returns every code, in the order of the catalogue.
func Codes() []Code {
	codes := make([]Code, numCodes)
	for i := range codes {
		codes[i] = Code(i)
	}
	return codes
}
